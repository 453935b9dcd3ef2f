//! Why no answer came, in words that say what to do about it.

use std::error::Error as _;
use std::io;

use rustls::{CertificateError, InvalidMessage};
use ureq::http::Uri;

use super::resolve::Unanswered;
use super::secret::tamed;
use crate::error::Error;

/// No answer came to a question, or it broke off.
#[derive(Debug, Clone)]
pub struct Fault {
    pub trouble: Trouble,
    /// `localhost:5000`
    host: String,
    /// Whether a proxy stands between.
    proxied: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    NoSuchHost,
    /// Nobody could be asked for its address.
    NoNameServer(String),
    Refused,
    Silent,
    /// Its certificate is not to be trusted.
    Untrusted(String),
    /// It does not speak TLS.
    NotTls,
    /// It does not speak HTTP, perhaps TLS.
    NotHttp(String),
    BrokenOff(String),
    Proxy(String),
    /// It sends on to where one does not go.
    Redirect(String),
    /// What was to be sent could not be read.
    Source(String),
    /// Something before any connection: a certificate file, the address of a proxy.
    Setting(Error),
    Other(String),
}

impl Fault {
    pub fn new(trouble: Trouble, url: &Uri) -> Self {
        let host = url.authority().map_or("", |authority| authority.as_str());
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Self { trouble, host: host.to_owned(), proxied: false }
    }

    pub fn from_ureq(error: ureq::Error, url: &Uri, proxied: bool) -> Self {
        Self { proxied, ..Self::new(trouble(error), url) }
    }

    /// Whether it may go better the next time.
    pub fn is_passing(&self) -> bool {
        matches!(self.trouble, Trouble::Silent | Trouble::BrokenOff(_))
    }

    /// A few words, for the trace.
    pub fn short(&self) -> String {
        match &self.trouble {
            Trouble::NoSuchHost => "no such host".to_owned(),
            Trouble::NoNameServer(why) => why.clone(),
            Trouble::Refused => "connection refused".to_owned(),
            Trouble::Silent => "silence".to_owned(),
            Trouble::Untrusted(why) => format!("its certificate can't be trusted: {why}"),
            Trouble::NotTls => "it does not speak TLS".to_owned(),
            Trouble::NotHttp(_) => "it does not speak HTTP".to_owned(),
            Trouble::BrokenOff(why) => format!("the connection broke: {why}"),
            Trouble::Proxy(why) => format!("the proxy failed: {why}"),
            Trouble::Redirect(why) | Trouble::Source(why) | Trouble::Other(why) => why.clone(),
            Trouble::Setting(error) => error.to_string(),
        }
    }

    /// The whole message; `doing` begins with "cannot".
    pub fn explain(&self, doing: &str) -> Error {
        let host = &self.host;
        let what = match &self.trouble {
            Trouble::NoSuchHost if self.proxied => "nobody knows the host of the proxy".to_owned(),
            Trouble::NoSuchHost => format!("nobody knows a host {host}"),
            Trouble::Refused if self.proxied => "the proxy takes no connection".to_owned(),
            Trouble::Refused => format!("nothing listens at {host} (ECONNREFUSED)"),
            Trouble::Silent => format!("{host} does not answer in time"),
            Trouble::Untrusted(why) => format!("the certificate of {host} can't be trusted: {why}"),
            Trouble::NotTls => format!("{host} speaks plain HTTP and no TLS"),
            Trouble::NotHttp(_) => format!("{host} does not speak HTTP"),
            Trouble::Setting(error) => return Error::new(doing).because(error),
            _ => self.short(),
        };
        let error = Error::new(format!("{doing}: {what}"));
        match self.remedy() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn remedy(&self) -> Option<String> {
        let host = &self.host;
        Some(match &self.trouble {
            Trouble::NoSuchHost if self.proxied => "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name it.".to_owned(),
            Trouble::NoSuchHost => {
                "Is the name right? Is there a network? `getent hosts NAME` asks as well.".to_owned()
            }
            Trouble::NoNameServer(_) => "/etc/resolv.conf says who is asked. Is there a network?".to_owned(),
            Trouble::Refused if self.proxied => "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name it.".to_owned(),
            Trouble::Refused => "Is the registry running, and is the port right?".to_owned(),
            Trouble::Silent => "Is it reachable from here? A proxy is set with HTTPS_PROXY.".to_owned(),
            Trouble::Untrusted(_) => format!(
                "Its authority's certificate can be given with --cert-dir DIR (a file DIR/ca.crt) or SSL_CERT_FILE.\n\
                 --insecure goes on without checking who answers in the name of {host}."
            ),
            Trouble::NotTls => {
                "Whoever is on the way could change what it sends. If that is no concern here: --insecure.".to_owned()
            }
            Trouble::NotHttp(_) => "Is that the port of a registry?".to_owned(),
            Trouble::BrokenOff(_) => "It was tried several times. Try it again later.".to_owned(),
            Trouble::Proxy(_) => {
                "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name the proxy, NO_PROXY who is reached without.".to_owned()
            }
            _ => return None,
        })
    }
}

fn trouble(error: ureq::Error) -> Trouble {
    match error {
        ureq::Error::HostNotFound => Trouble::NoSuchHost,
        ureq::Error::Timeout(_) => Trouble::Silent,
        ureq::Error::Rustls(error) => of_tls(&error),
        ureq::Error::Io(error) => of_io(&error),
        ureq::Error::ConnectProxyFailed(why) => Trouble::Proxy(tamed(&why)),
        ureq::Error::Protocol(error) => Trouble::NotHttp(tamed(&error.to_string())),
        ureq::Error::LargeResponseHeader(..) => Trouble::NotHttp("endless headers".to_owned()),
        ureq::Error::BodyStalled => Trouble::BrokenOff("it said nothing more".to_owned()),
        ureq::Error::Other(error) if error.is::<Unanswered>() => Trouble::NoNameServer(error.to_string()),
        other => Trouble::Other(tamed(&other.to_string())),
    }
}

/// Also for an error in the middle of a body.
pub fn of_io(error: &io::Error) -> Trouble {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return of_tls(error);
    }
    let silent = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match error.kind() {
        _ if matches!(silent, Some(ureq::Error::Timeout(_))) => Trouble::Silent,
        io::ErrorKind::ConnectionRefused => Trouble::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Trouble::Silent,
        _ => {
            let source = error.source().map(|source| format!(" ({source})")).unwrap_or_default();
            Trouble::BrokenOff(tamed(&format!("{error}{source}")))
        }
    }
}

fn of_tls(error: &rustls::Error) -> Trouble {
    let why = match error {
        rustls::Error::InvalidCertificate(why) => why,
        // The first bytes of an answer in plain HTTP are no TLS record.
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => return Trouble::NotTls,
        other => return Trouble::Other(tamed(&format!("TLS fails: {other}"))),
    };
    Trouble::Untrusted(match why {
        CertificateError::UnknownIssuer => "no authority that this machine knows has signed it".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet; is this machine's clock right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host".to_owned()
        }
        CertificateError::Revoked => "it has been revoked".to_owned(),
        other => tamed(&other.to_string()),
    })
}
