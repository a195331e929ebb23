//! Where a server is, as a person writes it.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use comfyglow_core::session::{ClientId, Config};
use percent_encoding::percent_decode_str;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use url::{Host, Url, form_urlencoded};

/// The port that ComfyUI listens on unless told otherwise.
const COMFYUI_PORT: u16 = 8188;

/// The query's parameter that names the client.
const CLIENT_ID: &str = "clientId=";

/// Where a server is: `http://host:port/prefix?query`, `https://…`, or just `host` or `host:port`.
///
/// A user and password in it are sent as a login and never shown, nor is the query, which may hold a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    host: Host,
    port: u16,
    is_tls: bool,
    /// The value of `Host`.
    authority: String,
    prefix: String,
    /// The query for the WebSocket without the client's id.
    query: String,
    client_id: Option<String>,
    /// The value of `Authorization`.
    login: Option<String>,
    /// Authorities whose signatures are trusted besides those that the system trusts.
    authorities: Vec<CertificateDer<'static>>,
}

/// Why an address can't be used; what to do stands in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL.
    Url(url::ParseError),
    /// Its scheme is none that ComfyUI speaks.
    Scheme(String),
    /// What is to be trusted is no certificate.
    Certificate,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The text itself is left out: it may hold a password.
            Self::Url(error) => write!(f, "this is no address: {error}. Write it as http://host:8188 or host:8188."),
            Self::Scheme(scheme) => write!(f, "{scheme} is none of ComfyUI's protocols. Write http://host:8188."),
            Self::Certificate => f.write_str(
                "what is to be trusted is no certificate. It is to be in PEM, beginning with -----BEGIN CERTIFICATE-----.",
            ),
        }
    }
}

impl std::error::Error for AddressError {}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let has_scheme = text.contains("://");
        let url = if has_scheme { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        let mut url = url.map_err(AddressError::Url)?;
        let is_tls = match url.scheme() {
            "http" | "ws" => false,
            "https" | "wss" => true,
            other => return Err(AddressError::Scheme(other.to_owned())),
        };
        let authority = text.split(['/', '?']).next().unwrap_or_default();
        // A slip in the scheme, such as `http:/host`, would else be a host with the port left empty.
        if !has_scheme && authority.ends_with(':') {
            return Err(AddressError::Url(url::ParseError::InvalidPort));
        }
        // Who leaves the scheme out means ComfyUI itself rather than a web server before it.
        if !has_scheme && url.port().is_none() && !authority.ends_with(":80") {
            // A URL with a host takes any port.
            let _ = url.set_port(Some(COMFYUI_PORT));
        }
        let host = url.host().ok_or(AddressError::Url(url::ParseError::EmptyHost))?.to_owned();
        let authority = url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let path = url.path().trim_end_matches('/');
        let (ids, query): (Vec<&str>, Vec<&str>) = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|part| !part.is_empty())
            .partition(|part| part.starts_with(CLIENT_ID));
        let client_id = ids.last().and_then(|id| form_urlencoded::parse(id.as_bytes()).next());
        Ok(Self {
            is_tls,
            port: url.port_or_known_default().unwrap_or(COMFYUI_PORT),
            authority,
            prefix: path.strip_suffix("/ws").unwrap_or(path).to_owned(),
            query: query.join("&"),
            client_id: client_id.map(|(_, id)| id.into_owned()).filter(|id| !id.is_empty()),
            login: login(&url),
            authorities: Vec::new(),
            host,
        })
    }
}

fn login(url: &Url) -> Option<String> {
    let password = url.password();
    (!url.username().is_empty() || password.is_some()).then(|| {
        let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
        pair.push(b':');
        pair.extend(percent_decode_str(password.unwrap_or_default()));
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    })
}

impl Address {
    /// The host's name or number, and the port to dial.
    pub fn endpoint(&self) -> (String, u16) {
        let host = match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            // Without the brackets that it has in a URL.
            Host::Ipv6(address) => address.to_string(),
        };
        (host, self.port)
    }

    /// Whether it is spoken to by TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The client's id in the address, where it names one.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// A client's id as it stands in a query.
    pub fn encoded(client_id: &str) -> String {
        form_urlencoded::byte_serialize(client_id.as_bytes()).collect()
    }

    /// The id whose parts, one behind the other, are as [`encoded`](Self::encoded) gives it.
    pub fn decoded(encoded: [&str; 3]) -> String {
        let encoded = encoded.concat();
        form_urlencoded::parse(encoded.as_bytes()).next().map(|(id, _)| id.into_owned()).unwrap_or_default()
    }

    /// Adds a parameter to the query of each request, in the place of one of that name.
    pub fn add_query(&mut self, name: &str, value: &str) {
        let part = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        let start = part.split_inclusive('=').next().unwrap_or_default();
        if start == CLIENT_ID {
            self.client_id = Some(value.to_owned()).filter(|id| !id.is_empty());
            return;
        }
        let others = self.query.split('&').filter(|other| !other.is_empty() && !other.starts_with(start));
        self.query = others.chain([part.as_str()]).collect::<Vec<_>>().join("&");
    }

    /// Trusts certificates that the authorities in `pem` have signed, besides those that the system trusts.
    ///
    /// # Errors
    ///
    /// Where there is no certificate in it, or a damaged one.
    pub fn trust(&mut self, pem: &[u8]) -> Result<(), AddressError> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
        self.authorities.extend(certificates.ok_or(AddressError::Certificate)?);
        Ok(())
    }

    /// Authorities whose signatures are trusted besides those that the system trusts.
    pub(crate) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    /// The value of `Host`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// What a request for `path` asks for, with the prefix and the query.
    pub(crate) fn target(&self, path: &str) -> String {
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("{}{path}{separator}{}", self.prefix, self.query)
    }

    /// The headers that each request needs: the login, where the address has one.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.login.iter().map(|login| ("Authorization", login.as_str())).collect()
    }

    /// What a session needs, with what [`encoded`](Self::encoded) and [`headers`](Self::headers) gave.
    pub fn config<'a>(&'a self, client_id: ClientId<'a>, headers: &'a [(&'a str, &'a str)]) -> Config<'a> {
        Config { prefix: &self.prefix, query: &self.query, client_id, headers, ..Config::new(&self.authority) }
    }
}

/// Without login and query.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

/// Without login and query.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A fresh id for a client that only looks on: `comfyglow-` and 16 hexadecimal digits.
///
/// # Errors
///
/// Where the system gives no random numbers.
pub fn fresh_client_id() -> Result<String, getrandom::Error> {
    Ok(format!("comfyglow-{:016x}", getrandom::u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn addresses_as_people_write_them() {
        for (text, host, port, shown) in [
            ("http://127.0.0.1:8188", "127.0.0.1", 8188, "http://127.0.0.1:8188"),
            ("127.0.0.1:9000", "127.0.0.1", 9000, "http://127.0.0.1:9000"),
            ("desk.local", "desk.local", 8188, "http://desk.local:8188"),
            ("desk.local:80", "desk.local", 80, "http://desk.local"),
            ("desk.local/comfy", "desk.local", 8188, "http://desk.local:8188/comfy"),
            ("http://desk.local", "desk.local", 80, "http://desk.local"),
            ("http://desk.local/a/b/", "desk.local", 80, "http://desk.local/a/b"),
            ("ws://desk.local:8188/ws", "desk.local", 8188, "http://desk.local:8188"),
            ("ws://desk.local:8188/comfy/ws?clientId=x", "desk.local", 8188, "http://desk.local:8188/comfy"),
            ("http://[::1]:8188", "::1", 8188, "http://[::1]:8188"),
            ("https://desk.local/a", "desk.local", 443, "https://desk.local/a"),
            ("wss://desk.local:8443/ws", "desk.local", 8443, "https://desk.local:8443"),
            ("[fe80::1]", "fe80::1", 8188, "http://[fe80::1]:8188"),
            (" localhost ", "localhost", 8188, "http://localhost:8188"),
        ] {
            let address = address(text);
            assert_eq!(address.endpoint(), (host.to_owned(), port), "{text}");
            assert_eq!(address.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn the_query_goes_with_the_socket() {
        let query = |address: &Address| address.config(ClientId::Fresh, &[]).query.to_owned();
        assert_eq!(query(&address("h")), "");
        assert_eq!(query(&address("h/?token=a%20b&x=1")), "token=a%20b&x=1");
        assert_eq!(Address::encoded("my desk/2"), "my+desk%2F2");
        assert_eq!(Address::decoded(["my+desk%2F2", "-", "1"]), "my desk/2-1");
        let named = address("ws://h/ws?clientId=in%20browser&token=t");
        assert_eq!(named.client_id(), Some("in browser"));
        assert_eq!(query(&named), "token=t");
    }

    #[test]
    fn parameters_are_added_to_the_query() {
        let mut address = address("h/comfy/?token=old&x=1");
        address.add_query("token", "a b&c");
        address.add_query("clientId", "desk");
        assert_eq!(address.config(ClientId::Fresh, &[]).query, "x=1&token=a+b%26c");
        assert_eq!(address.client_id(), Some("desk"));
        assert_eq!(address.target("/queue"), "/comfy/queue?x=1&token=a+b%26c");
        assert!(!format!("{address:?}").contains("a+b"), "{address:?}");
    }

    #[test]
    fn a_login_is_sent_and_never_shown() {
        let address = address("http://ann:p%40ss@h:1/?token=secret");
        assert_eq!(address.headers(), [("Authorization", "Basic YW5uOnBAc3M=")]);
        for shown in [format!("{address}"), format!("{address:?}"), format!("{address:#?}")] {
            assert!(!["ann", "p%40ss", "p@ss", "YW5u", "secret"].iter().any(|s| shown.contains(s)), "{shown}");
        }
        assert_eq!("http://h".parse::<Address>().map(|a| a.headers().len()), Ok(0));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (text, said) in [
            ("http:/h", "no address: invalid port"),
            ("ftp://h", "ftp is none of"),
            ("http://", "empty host"),
            ("", "empty host"),
            ("http://u:secret@h:99999", "invalid port"),
            ("u:secret@h o st", "invalid"),
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn fresh_ids_differ() -> Result<(), getrandom::Error> {
        let (one, two) = (fresh_client_id()?, fresh_client_id()?);
        assert_eq!(one.len(), "comfyglow-".len() + 16);
        assert_ne!(one, two);
        Ok(())
    }
}
