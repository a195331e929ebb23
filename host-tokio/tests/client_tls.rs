//! Servers behind TLS, with an authority of their own.
mod support;

use std::{
    io::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use comfyglow::{
    client::{Client, Closed},
    simulator::Simulator,
};
use comfyglow_core::state::FaultKind;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use serde_json::json;
use support::{PATIENCE, comfyglow, ended, workflow};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A proxy that speaks TLS, and the authority that signed its certificate.
struct Proxy {
    port: u16,
    authority: String,
    /// The names that it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A proxy before `server` whose certificate is for `name`, until the end of `year`.
async fn proxy(server: SocketAddr, name: &str, year: i32) -> Proxy {
    let mut params = CertificateParams::new(Vec::new()).expect("no names are fine");
    params.distinguished_name.push(DnType::CommonName, format!("authority of {name} until {year}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("it signs itself").pem();
    let issuer = Issuer::new(params, key);
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.not_after = date_time_ymd(year, 12, 31);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("it is signed");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .expect("the key fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let names = asked.clone();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, names) = (acceptor.clone(), names.clone());
            tokio::spawn(async move {
                let mut from = acceptor.accept(stream).await?;
                let name = from.get_ref().1.server_name().unwrap_or_default().to_owned();
                names.lock().expect("nobody panics").push(name);
                let mut to = TcpStream::connect(server).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    Proxy { port, authority, asked, serving }
}

async fn simulator() -> Simulator {
    Simulator::builder().speed(f64::INFINITY).seed(1).start().await.expect("a port is free")
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}

#[tokio::test]
async fn a_server_whose_authority_is_trusted_is_spoken_to() -> Result<(), Box<dyn std::error::Error>> {
    let simulator = simulator().await;
    let proxy = proxy(simulator.addr(), "localhost", 2_999).await;
    let url = format!("https://localhost:{}", proxy.port);
    let client = Client::builder(&url).trust(proxy.authority.clone()).connect()?;
    let connection = in_time(client.connected()).await?;
    assert!(connection.is_connected());
    let submitted = in_time(client.submit(&workflow(json!({"steps": 300})))).await?;
    let over =
        |now: &Option<comfyglow::client::Progress>| now.as_ref().is_some_and(comfyglow::client::Progress::is_over);
    let end = in_time(client.progress().wait_for(over)).await?.expect("it ran");
    assert_eq!((end.prompt_id.as_deref(), end.percentage), (Some(submitted.prompt_id.as_str()), Some(100.0)));
    assert_eq!(in_time(client.close()).await, Closed::Left);
    // A proxy with many names behind one address chooses by it.
    let asked = proxy.asked.lock().expect("nobody panics").clone();
    assert!(asked.len() >= 2 && asked.iter().all(|name| name == "localhost"), "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_not_trusted_is_told_in_words() -> Result<(), Box<dyn std::error::Error>> {
    let simulator = simulator().await;
    let good = proxy(simulator.addr(), "localhost", 2_999).await;
    let old = proxy(simulator.addr(), "localhost", 2_020).await;
    let other = proxy(simulator.addr(), "elsewhere.example", 2_999).await;
    let plain = (simulator.addr().port(), good.authority.clone());
    for ((port, authority), said) in [
        ((good.port, other.authority.clone()), "nobody that this system trusts has signed it"),
        ((old.port, old.authority.clone()), "its time is over"),
        ((other.port, other.authority.clone()), "elsewhere.example"),
        (plain, "speaks no TLS"),
    ] {
        let client = Client::builder(format!("https://localhost:{port}")).trust(authority).connect()?;
        let Closed::Fault(fault, detail) = in_time(client.closed()).await else { panic!("{said}: it is at fault") };
        assert_eq!(fault.kind, FaultKind::Untrusted);
        let closed = Closed::Fault(fault, detail).to_string();
        assert!(closed.contains(said) && closed.contains("certificate is not trusted"), "{closed}");
    }
    assert!(Client::builder("https://h").trust("no PEM").connect().is_err());
    Ok(())
}

/// Where the system trusts the authority, which is how the command is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_command_watches_and_runs_through_tls() {
    let simulator = simulator().await;
    let proxy = proxy(simulator.addr(), "localhost", 2_999).await;
    let mut authority = tempfile::NamedTempFile::new().expect("a file");
    authority.write_all(proxy.authority.as_bytes()).expect("it can be written");
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(workflow(json!({})).to_string().as_bytes()).expect("it can be written");
    let name = file.path().to_str().expect("the path is UTF-8");
    let url = format!("https://localhost:{}", proxy.port);
    let mut command = comfyglow(&["run", name, "--server", &url, "--json"]);
    let ran = ended(command.env("SSL_CERT_FILE", authority.path()).spawn().expect("it starts")).await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let first = &ran.last()["outputs"][0]["files"][0]["url"];
    assert!(first.as_str().is_some_and(|view| view.starts_with(&url)), "{first}");
    let mut command = comfyglow(&["run", name, "--server", &url]);
    let ran = ended(command.env("SSL_CERT_FILE", file.path()).spawn().expect("it starts")).await;
    assert_eq!(ran.status, Some(4), "{ran:?}");
    assert!(ran.stderr.contains("nobody that this system trusts has signed it"), "{ran:?}");
}
