//! What may stand before a server: something that speaks TLS, and a transaction-mode pooler. Both lead to a unix socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Mutex, Notify};
use tokio_rustls::TlsAcceptor;

use crate::harness::embedded;

/// Asks for TLS (manual, "Message Formats": `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for a host or a client, and its key.
    pub fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    fn root(&self) -> rustls::RootCertStore {
        use rustls::pki_types::pem::PemObject;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        roots
    }
}

/// How the front answers the question for TLS.
#[derive(Clone)]
pub enum Answer {
    /// It has none.
    No,
    /// Yes, and then it fails.
    Broken,
    /// Yes.
    Tls(TlsAcceptor),
}

/// TLS with a certificate for `name`; asks clients for certificates of `clients`, if that is given.
pub fn tls(authority: &Authority, name: &str, clients: Option<&Authority>) -> Answer {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = Arc::new(clients.root());
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let (certificate, key) = authority.issue(name);
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Answer::Tls(TlsAcceptor::from(Arc::new(config)))
}

/// Something that listens on a port of 127.0.0.1.
pub struct Front {
    pub port: u16,
    encrypted: Arc<AtomicUsize>,
}

impl Front {
    /// Connections that were encrypted so far.
    pub fn encrypted(&self) -> usize {
        self.encrypted.load(Ordering::SeqCst)
    }

    /// A server that answers so, and passes everything on.
    pub async fn start(answer: Answer) -> Self {
        let (listener, port, socket) = listen().await;
        let encrypted = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&encrypted);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // One that fails is the client's to complain of.
                tokio::spawn(serve(client, answer.clone(), socket.clone(), Arc::clone(&counter)));
            }
        });
        Self { port, encrypted }
    }

    /// A pooler that gives each transaction the server connection that was used last.
    pub async fn transaction_pooler() -> Self {
        let (listener, port, socket) = listen().await;
        let pool = Arc::new(Pool::default());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pooled(client, socket.clone(), Arc::clone(&pool)));
            }
        });
        Self { port, encrypted: Arc::default() }
    }
}

async fn listen() -> (TcpListener, u16, PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port, embedded().await.folder().join("data/.s.PGSQL.5432"))
}

async fn serve(
    mut client: TcpStream,
    answer: Answer,
    socket: PathBuf,
    encrypted: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut first = [0; 8];
    client.peek(&mut first[..1]).await?;
    // A TLS handshake record: the client does not ask.
    let direct = first[0] == 0x16;
    if !direct {
        client.read_exact(&mut first).await?;
    }
    let mut server = UnixStream::connect(socket).await?;
    if !direct && first != SSL_REQUEST {
        server.write_all(&first).await?;
        return copy_bidirectional(&mut client, &mut server).await.map(|_| ());
    }
    match answer {
        Answer::No => {
            client.write_all(b"N").await?;
            copy_bidirectional(&mut client, &mut server).await.map(|_| ())
        }
        Answer::Broken => client.write_all(b"Snonsense that is no handshake").await,
        Answer::Tls(acceptor) => {
            if !direct {
                client.write_all(b"S").await?;
            }
            let mut client = acceptor.accept(client).await?;
            encrypted.fetch_add(1, Ordering::SeqCst);
            copy_bidirectional(&mut client, &mut server).await.map(|_| ())
        }
    }
}

/// Idle server connections.
#[derive(Default)]
struct Pool {
    idle: Mutex<Vec<UnixStream>>,
    returned: Notify,
}

impl Pool {
    async fn take(&self) -> UnixStream {
        loop {
            if let Some(server) = self.idle.lock().await.pop() {
                return server;
            }
            self.returned.notified().await;
        }
    }

    async fn give(&self, server: UnixStream) {
        self.idle.lock().await.push(server);
        self.returned.notify_one();
    }
}

/// Every client brings a server connection along, by logging in on it; from then on they are everyone's.
async fn pooled(mut client: TcpStream, socket: PathBuf, pool: Arc<Pool>) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let startup = body(&mut client).await?;
    server.write_all(&startup).await?;
    relay_until_ready(&mut server, &mut client).await?;
    // New ones come last, as in pgbouncer.
    pool.idle.lock().await.insert(0, server);
    pool.returned.notify_one();
    let mut held: Option<UnixStream> = None;
    loop {
        let kind = client.read_u8().await?;
        let message = body(&mut client).await?;
        if kind == b'X' {
            return Ok(());
        }
        let mut server = match held.take() {
            Some(server) => server,
            None => pool.take().await,
        };
        server.write_u8(kind).await?;
        server.write_all(&message).await?;
        // Query and Sync are answered with ReadyForQuery, which says whether a transaction is open.
        let in_transaction = !matches!(kind, b'Q' | b'S') || relay_until_ready(&mut server, &mut client).await? != b'I';
        if in_transaction {
            held = Some(server);
        } else {
            pool.give(server).await;
        }
    }
}

/// A length and what it counts, itself included.
async fn body(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(length as usize, 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

async fn relay_until_ready(
    server: &mut (impl AsyncRead + Unpin),
    client: &mut (impl AsyncWrite + Unpin),
) -> std::io::Result<u8> {
    loop {
        let kind = server.read_u8().await?;
        let message = body(server).await?;
        client.write_u8(kind).await?;
        client.write_all(&message).await?;
        if kind == b'Z' {
            return Ok(message[4]);
        }
    }
}
