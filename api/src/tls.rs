//! TLS: the certificate and its key, read again when their files change. Connections keep what they began with.

use dayfly_common::config::TlsFiles;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio_rustls::TlsAcceptor;

/// From one look at the files to the next.
const LOOK: Duration = Duration::from_secs(1);

/// Why TLS cannot be spoken by these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {why}", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The file of `tls_cert` holds no certificate.
    #[error("{}: holds no certificate (PEM: -----BEGIN CERTIFICATE-----)", .0.display())]
    NoCertificate(PathBuf),
    /// The file of `tls_key` holds no private key.
    #[error("{}: holds no private key that can be read (PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase)", .0.display())]
    NoKey(PathBuf),
    /// They do not belong together.
    #[error("{}: is not the key of the first certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's.
        cert: PathBuf,
    },
    /// One of them is of a kind that is not known here.
    #[error("{} and {} cannot be used: {why}", cert.display(), key.display())]
    Unusable {
        /// The key's file.
        key: PathBuf,
        /// The certificate's.
        cert: PathBuf,
        /// Why.
        why: String,
    },
}

/// What tells a file from its successor; `None` while it cannot be looked at.
type Stamp = Option<(u64, u64, i64, i64, u64)>;

/// The files and what was read from them last.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
    /// The files as they were when they were read last, well or not.
    tried: Mutex<[Stamp; 2]>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let tried = Mutex::new(stamps(&files));
        let current = RwLock::new(read(&files)?);
        Ok(Arc::new(Self { files, current, tried }))
    }

    /// Reads the files again. Where they are not good the pair before is kept; the log says either.
    pub fn reload(&self) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = stamps(&self.files);
        match read(&self.files) {
            Ok(config) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("the TLS certificate was read anew from {}", self.files.cert.display());
            }
            Err(why) => {
                tracing::error!(%why, "the TLS certificate before is kept, because the new one cannot be used: {why}");
            }
        }
    }

    /// For a connection that begins now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Reloads when the files have changed and rest again: whoever replaces both does so one after the other.
    pub(crate) async fn follow_files(&self) -> std::convert::Infallible {
        let mut before = stamps(&self.files);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = stamps(&self.files);
            let news = now != *self.tried.lock().unwrap_or_else(PoisonError::into_inner);
            if news && now == before {
                self.reload();
            }
            before = now;
        }
    }
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.cert, &files.key].map(|file| {
        let found = fs::metadata(file).ok()?;
        Some((found.dev(), found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
    })
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let TlsFiles { cert, key } = files;
    let unreadable = |file: &Path, why: String| TlsError::Unreadable { file: file.to_path_buf(), why };
    let bytes = |file: &Path| fs::read(file).map_err(|why| unreadable(file, format!("cannot be read: {why}")));
    let chain = CertificateDer::pem_slice_iter(&bytes(cert)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| unreadable(cert, format!("is not PEM: {why}")))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(cert.clone()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&bytes(key)?).map_err(|_| TlsError::NoKey(key.clone()))?;
    let unusable =
        |why: rustls::Error| TlsError::Unusable { key: key.clone(), cert: cert.clone(), why: why.to_string() };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|why| match why {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { key: key.clone(), cert: cert.clone() },
            other => unusable(other),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
