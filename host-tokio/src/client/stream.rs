//! A way to the server, with TLS or without.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{self, TcpStream},
    task::JoinSet,
    time,
};
use tokio_rustls::TlsConnector;

use crate::address::Address;

/// What an address has before the next one is tried beside it, as RFC 8305 recommends.
const HEAD_START: Duration = Duration::from_millis(250);

/// Bytes to the server and back.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// An open link.
pub(crate) type Stream = Box<dyn Duplex>;

/// Opens links to one server.
#[derive(Clone)]
pub(crate) struct Dialer {
    host: String,
    port: u16,
    tls: Option<Tls>,
}

#[derive(Clone)]
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Dialer {
    /// Links to the server at `address`. Its certificate is to be signed by somebody whom this system trusts, or by those
    /// that `address` names besides.
    ///
    /// # Errors
    ///
    /// Where TLS is wanted and can't be set up.
    pub(crate) fn new(address: &Address) -> io::Result<Self> {
        let (host, port) = address.endpoint();
        let tls = if address.is_tls() {
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let config = match address.authorities() {
                [] => systems_own()?,
                own => config(own)?,
            };
            Some(Tls { connector: config.into(), name })
        } else {
            None
        };
        Ok(Self { host, port, tls })
    }

    /// Opens a link, to whichever of the addresses that the name has answers first.
    pub(crate) async fn dial(self) -> io::Result<Stream> {
        let stream = Self::reach(self.addresses().await?).await?;
        self.secure(stream).await
    }

    /// The addresses that the server's name has.
    pub(crate) async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(net::lookup_host((self.host.as_str(), self.port)).await?.collect())
    }

    /// Connects to whichever of `addresses` answers first.
    pub(crate) async fn reach(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
        let stream = first(addresses, TcpStream::connect).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Speaks TLS over `stream`, where the server is spoken to so.
    pub(crate) async fn secure(self, stream: TcpStream) -> io::Result<Stream> {
        match self.tls {
            None => Ok(Box::new(stream)),
            Some(tls) => Ok(Box::new(tls.connector.connect(tls.name, stream).await.map_err(in_words)?)),
        }
    }
}

/// Opens a link to the first of `addresses` that answers. Each is tried [`HEAD_START`] after the one before it, or as soon
/// as one has failed: one that never answers, such as of an IPv6 that leads nowhere, is not to use up all the time.
///
/// # Errors
///
/// That of the attempt that failed last.
async fn first<T, F>(addresses: Vec<SocketAddr>, open: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut addresses = addresses.into_iter();
    // Those that are still under way are ended when it is dropped.
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(open(address));
        }
        let patience = if addresses.len() > 0 { HEAD_START } else { Duration::MAX };
        match time::timeout(patience, attempts.join_next()).await {
            Ok(Some(Ok(Ok(link)))) => return Ok(link),
            Ok(Some(Ok(Err(error)))) => failure = error,
            Ok(Some(Err(error))) => failure = error.into(),
            Ok(None) => return Err(failure),
            Err(_) => {}
        }
    }
}

/// The settings for whom this system trusts, which all clients share: reading them takes a moment.
fn systems_own() -> io::Result<Arc<ClientConfig>> {
    static SHARED: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(shared) = SHARED.get() {
        return Ok(shared.clone());
    }
    let made = config(&[])?;
    Ok(SHARED.get_or_init(|| made).clone())
}

/// The settings for whom this system trusts, and `own` besides.
fn config(own: &[CertificateDer<'static>]) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let systems = rustls_native_certs::load_native_certs();
    for error in &systems.errors {
        tracing::debug!(%error, "some of the system's certificates can't be read");
    }
    roots.add_parsable_certificates(systems.certs);
    if roots.is_empty() {
        // A system without any, such as a container's, trusts those whom browsers trust.
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for certificate in own {
        roots.add(certificate.clone()).map_err(io::Error::other)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // A WebSocket begins as HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Why the server at the other end isn't trusted.
#[derive(Debug)]
struct Untrusted(String);

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untrusted {}

/// Whether a link could not be opened since it can't be told who is at its other end.
pub(crate) fn is_untrusted(error: &io::Error) -> bool {
    error.get_ref().and_then(|error| error.downcast_ref::<Untrusted>()).is_some()
}

/// What TLS says, in a person's words.
fn in_words(error: io::Error) -> io::Error {
    let Some(said) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) else { return error };
    let words = match said {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its time is over; renew it on the server, or set this machine's clock".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its time has not come; is this machine's clock right?".to_owned()
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "nobody that this system trusts has signed it".to_owned()
            }
            CertificateError::NotValidForName => "it is for another name".to_owned(),
            CertificateError::NotValidForNameContext { presented, .. } => {
                format!("it is for another name: {}", presented.join(", "))
            }
            CertificateError::Revoked => "it was revoked".to_owned(),
            other => format!("it is not valid: {other}"),
        },
        rustls::Error::InvalidMessage(_) => {
            "what answers speaks no TLS; is the address to begin with http:?".to_owned()
        }
        _ => return error,
    };
    io::Error::other(Untrusted(words))
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    const DEAD: u16 = 1;
    const REFUSING: u16 = 2;

    /// Opens links without a network: to ports above 2, whose number is the link.
    async fn open(address: SocketAddr) -> io::Result<u16> {
        match address.port() {
            DEAD => future::pending().await,
            REFUSING => Err(io::ErrorKind::ConnectionRefused.into()),
            port => Ok(port),
        }
    }

    /// What came of addresses with these ports, and after how long.
    async fn dialled(ports: &[u16]) -> (Result<u16, io::ErrorKind>, Duration) {
        let start = time::Instant::now();
        let addresses = ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        let link = first(addresses, open).await.map_err(|error| error.kind());
        (link, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_holds_the_next_one_up_for_a_moment() {
        assert_eq!(dialled(&[7, 8]).await, (Ok(7), Duration::ZERO));
        let (link, after) = dialled(&[DEAD, DEAD, 7, 8]).await;
        assert_eq!(link, Ok(7));
        assert!(after >= HEAD_START * 2 && after < HEAD_START * 3, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_an_address_that_refuses_the_next_one_is_tried_at_once() {
        assert_eq!(dialled(&[REFUSING, REFUSING, 7]).await, (Ok(7), Duration::ZERO));
        assert_eq!(dialled(&[REFUSING, REFUSING]).await, (Err(io::ErrorKind::ConnectionRefused), Duration::ZERO));
        assert_eq!(dialled(&[]).await, (Err(io::ErrorKind::NotFound), Duration::ZERO));
    }
}
