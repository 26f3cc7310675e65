//! libpq's `sslmode` semantics with rustls (PostgreSQL manual, "SSL Support").
//!
//! tokio-postgres knows only disable, prefer and require and leaves the verification to its connector, so the modes
//! are made here: one rustls configuration per mode, with a verifier of its own where the name, or everything, is let pass.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::conninfo::error::ConnInfoError;

/// How much the connection is protected, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS only if the server insists.
    Allow,
    /// TLS, unverified, if the server has it.
    Prefer,
    /// TLS; the chain is verified if root certificates are given, else nothing is.
    Require,
    /// TLS with a certificate of a trusted authority, issued to whomever.
    VerifyCa,
    /// TLS with a certificate of a trusted authority, issued to this host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(()),
        })
    }
}

/// Which authorities are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RootCertificates {
    /// Those that the operating system trusts.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// The oldest version of TLS that may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Protocol {
    #[default]
    Tls12,
    Tls13,
}

/// The TLS part of a connection string.
#[derive(Debug, Clone)]
pub(super) struct TlsSettings {
    pub(super) mode: Option<SslMode>,
    pub(super) roots: Option<RootCertificates>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    /// Handshake at once, without asking first (PostgreSQL 17 and later).
    pub(super) direct: bool,
    pub(super) server_name_indication: bool,
    pub(super) oldest: Protocol,
    /// `~/.postgresql`, where libpq looks for what is not named.
    pub(super) folder: Option<PathBuf>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            mode: None,
            roots: None,
            certificate: None,
            key: None,
            direct: false,
            server_name_indication: true,
            oldest: Protocol::default(),
            folder: None,
        }
    }
}

impl TlsSettings {
    /// Refuses what libpq refuses: settings that would silently weaken each other.
    pub(super) fn check(&self) -> Result<(), ConnInfoError> {
        let weaker_than = |mode| self.mode.is_some_and(|given| given < mode);
        if self.roots == Some(RootCertificates::System) && weaker_than(SslMode::VerifyFull) {
            return Err(ConnInfoError::Contradiction("sslrootcert=system with an sslmode weaker than verify-full"));
        }
        if self.direct && weaker_than(SslMode::Require) {
            return Err(ConnInfoError::Contradiction("sslnegotiation=direct with an sslmode weaker than require"));
        }
        if self.key.is_some() && self.certificate.is_none() {
            return Err(ConnInfoError::Contradiction("sslkey without sslcert"));
        }
        Ok(())
    }

    /// Whether `require` verifies the chain: libpq does so wherever it finds root certificates.
    pub(super) fn require_verifies(&self) -> bool {
        self.roots.is_some() || self.in_folder("root.crt").is_some()
    }

    fn in_folder(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name)).filter(|path| path.exists())
    }

    /// The connector for a mode that uses TLS.
    pub(super) fn connector(&self, mode: SslMode) -> Result<MakeRustlsConnect, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match mode {
            SslMode::Require if !self.require_verifies() => Arc::new(Unverified { provider: Arc::clone(&provider) }),
            SslMode::VerifyFull => {
                let builder =
                    WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), Arc::clone(&provider));
                builder.build().map_err(|error| TlsError::Roots(error.to_string()))?
            }
            SslMode::VerifyCa | SslMode::Require => {
                Arc::new(AnyName { roots: self.roots()?, provider: Arc::clone(&provider) })
            }
            _ => Arc::new(Unverified { provider: Arc::clone(&provider) }),
        };
        let versions: &[&rustls::SupportedProtocolVersion] = match self.oldest {
            Protocol::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            Protocol::Tls13 => &[&rustls::version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(TlsError::Library)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match self.client_certificate()? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(TlsError::ClientCertificate)?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = self.server_name_indication;
        if self.direct {
            // PostgreSQL refuses a direct handshake that does not name its protocol.
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        let file = match &self.roots {
            Some(RootCertificates::File(path)) => Some(path.clone()),
            Some(RootCertificates::System) => None,
            None => self.in_folder("root.crt"),
        };
        let Some(path) = file else {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
                return Err(TlsError::Roots(reasons.join("; ")));
            }
            return Ok(store);
        };
        for certificate in certificates(&path)? {
            store.add(certificate).map_err(|error| TlsError::File { path: path.clone(), reason: error.to_string() })?;
        }
        Ok(store)
    }

    fn client_certificate(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, TlsError> {
        let Some(certificate) = self.certificate.clone().or_else(|| self.in_folder("postgresql.crt")) else {
            return Ok(None);
        };
        let Some(key) = self.key.clone().or_else(|| self.in_folder("postgresql.key")) else {
            return Err(TlsError::NoKey(certificate));
        };
        let metadata = fs::metadata(&key).map_err(|error| unreadable(&key, &error))?;
        // libpq: root may own a key that its group can read; any other key is its owner's alone.
        let forbidden = if metadata.uid() == 0 { 0o027 } else { 0o077 };
        if metadata.mode() & forbidden != 0 {
            return Err(TlsError::KeyPermissions(key));
        }
        let chain = certificates(&certificate)?;
        let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| malformed(&key, &error))?;
        Ok(Some((chain, key)))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(|error| malformed(path, &error))?;
    if found.is_empty() {
        return Err(TlsError::File { path: path.to_owned(), reason: "it holds no certificate in PEM form".into() });
    }
    Ok(found)
}

fn unreadable(path: &Path, error: &io::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), reason: error.to_string() }
}

fn malformed(path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of this kind in PEM form".into(),
        other => other.to_string(),
    };
    TlsError::File { path: path.to_owned(), reason }
}

/// `verify-ca`: the chain must lead to a trusted authority, the name may be any.
#[derive(Debug)]
struct AnyName {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, &self.roots, intermediates, now, algorithms)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// `prefer` and `require`: any certificate will do. The handshake itself is still checked.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why the certificates or keys named in the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds something else.
    #[error("{path}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A key that others can read.
    #[error("the private key {path} can be read by others", path = .0.display())]
    KeyPermissions(PathBuf),
    /// A certificate without its key.
    #[error("no private key is given for the client certificate {path}", path = .0.display())]
    NoKey(PathBuf),
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error("the client certificate and its key cannot be used: {0}")]
    ClientCertificate(rustls::Error),
    /// There are no trusted authorities.
    #[error("no trusted root certificates were found: {0}")]
    Roots(String),
    /// The TLS library refuses the settings.
    #[error("TLS cannot be set up: {0}")]
    Library(rustls::Error),
}

impl TlsError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { .. } | Self::Library(_) => None,
            Self::KeyPermissions(path) => Some(format!("chmod 0600 {}", path.display())),
            Self::NoKey(_) => Some("name the key with sslkey=PATH".into()),
            Self::ClientCertificate(_) => {
                Some("check sslcert and sslkey; an encrypted key must be decrypted first".into())
            }
            Self::Roots(_) => Some("install the system's ca-certificates, or name a file with sslrootcert=PATH".into()),
        }
    }
}

/// What to do about a handshake that failed.
pub(super) fn hint_for(error: &rustls::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(reason) = error else { return None };
    Some(match reason {
        CertificateError::UnknownIssuer => {
            "name the file with your server's root certificate: sslrootcert=PATH; the server must also send the \
             intermediate certificates"
                .into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "connect by a name that the certificate holds (as a subject alternative name), or use sslmode=verify-ca"
                .into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "renew the server's certificate, and check this machine's clock".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "check this machine's clock".into()
        }
        // webpki refuses an authority's own certificate as a server's, which OpenSSL lets pass.
        CertificateError::Other(_) => {
            "the server must use a certificate of its own, of version 3 and issued by the authority".into()
        }
        _ => return None,
    })
}
