//! Whom to believe: the authorities of the system, and those of a directory.
//!
//! A directory is laid out as docker and podman lay out theirs: `*.crt` are authorities,
//! `NAME.cert` with `NAME.key` says who this client is. Without `--cert-dir` it is
//! `/etc/containers/certs.d/HOST:PORT` or `/etc/docker/certs.d/HOST:PORT`.
//! See containers-certs.d(5), update-ca-certificates(8). `SSL_CERT_FILE` and `SSL_CERT_DIR` name
//! other authorities of the system.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use super::Settings;
use crate::error::{Error, IoContext, Result};

/// Where docker and podman look for the certificates of one registry.
const PLACES: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

/// How to make connections to `registry`; reading the authorities takes milliseconds, so
/// it is put off until the first such connection.
pub fn config(registry: &str, settings: &Settings) -> Result<TlsConfig> {
    let insecure = settings.is_insecure(registry);
    let mut builder = TlsConfig::builder().disable_verification(insecure);
    let directory = settings.certificates.clone().or_else(|| usual_place(registry));
    let mut authorities = if insecure { Vec::new() } else { of_the_system() };
    if let Some(directory) = directory {
        let files = list(&directory)?;
        for file in files.iter().filter(|file| has_extension(file, "crt")) {
            authorities.extend(certificates(file)?);
        }
        if let Some(certificate) = files.iter().find(|file| has_extension(file, "cert")) {
            builder = builder.client_cert(Some(client(certificate)?));
        }
    }
    Ok(builder.root_certs(RootCerts::new_with_certs(&authorities)).build())
}

fn usual_place(registry: &str) -> Option<PathBuf> {
    PLACES.iter().map(|place| Path::new(place).join(registry)).find(|place| place.is_dir())
}

/// One that can't be read is left out, as every client does it.
fn of_the_system() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    found.certs.iter().map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned()).collect()
}

fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("cannot read the certificates in {}", directory.display());
    let entries = fs::read_dir(directory).or_fail(doing)?;
    let mut files =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>().or_fail(doing)?;
    files.sort();
    Ok(files)
}

fn has_extension(file: &Path, extension: &str) -> bool {
    file.extension().is_some_and(|found| found == extension)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).or_fail(|| format!("cannot read {}", file.display()))
}

fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let bytes = read(file)?;
    let mut found = Vec::new();
    for item in parse_pem(&bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(no_certificate(file)),
        }
    }
    if found.is_empty() { Err(no_certificate(file)) } else { Ok(found) }
}

fn no_certificate(file: &Path) -> Error {
    Error::new(format!("there is no certificate in {}", file.display()))
        .hint("A certificate is text that begins with -----BEGIN CERTIFICATE----- (PEM).")
}

fn client(certificate: &Path) -> Result<ClientCert> {
    let key = certificate.with_extension("key");
    let chain = certificates(certificate)?;
    let private = PrivateKey::from_pem(&read(&key)?);
    let private = private.map_err(|_| Error::new(format!("there is no private key in {}", key.display())))?;
    check_pair(&chain, &private).map_err(|why| {
        Error::new(format!("the private key {} does not belong to {}: {why}", key.display(), certificate.display()))
    })?;
    Ok(ClientCert::new_with_certs(&chain, private))
}

/// What ureq takes for granted.
fn check_pair(chain: &[Certificate<'_>], private: &PrivateKey<'_>) -> std::result::Result<(), String> {
    let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec()));
    let private = PrivateKeyDer::try_from(private.der().to_vec())?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(chain.collect(), private, &provider).map(drop).map_err(|error| error.to_string())
}
