//! Encryption, by rustls and the system's root certificates.

use crate::options::{PostgresOptions, SslMode};
use aludel_sql::Result;

/// How connections are encrypted.
#[derive(Clone)]
pub(super) enum Tls {
    /// Not at all.
    Plain,
    /// By TLS.
    #[cfg(feature = "postgres-tls")]
    Rustls(tokio_postgres_rustls::MakeRustlsConnect),
}

#[cfg(not(feature = "postgres-tls"))]
pub(super) fn tls(options: &PostgresOptions) -> Result<Tls> {
    use aludel_sql::{Error, ErrorKind};
    match options.ssl {
        SslMode::Disable | SslMode::Prefer => Ok(Tls::Plain),
        SslMode::Verify => Err(Error::new(
            ErrorKind::Unsupported,
            "`sslmode` asks for encryption, which aludel has with its feature `postgres-tls`",
        )),
    }
}

#[cfg(feature = "postgres-tls")]
pub(super) use with_rustls::tls;

#[cfg(feature = "postgres-tls")]
mod with_rustls {
    use super::{PostgresOptions, Result, SslMode, Tls};
    use aludel_sql::{Error, ErrorKind};
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
    use std::sync::Arc;
    use tokio_postgres_rustls::MakeRustlsConnect;

    pub(in super::super) fn tls(options: &PostgresOptions) -> Result<Tls> {
        if options.ssl == SslMode::Disable {
            return Ok(Tls::Plain);
        }
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::new(ErrorKind::Unsupported, "cannot set up TLS").with_cause(e))?;
        let config = match options.ssl {
            SslMode::Verify => {
                builder.with_root_certificates(roots(options)?).with_no_client_auth()
            }
            _ => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
                .with_no_client_auth(),
        };
        Ok(Tls::Rustls(MakeRustlsConnect::new(config)))
    }

    /// The certificates to trust: those of a file, or those of the system.
    fn roots(options: &PostgresOptions) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        let found = match &options.root_certificate {
            Some(file) => {
                let wrong = |e| {
                    Error::new(
                        ErrorKind::Argument,
                        format!("cannot read the certificates of `{file}`"),
                    )
                    .with_cause(e)
                };
                CertificateDer::pem_file_iter(file)
                    .and_then(Iterator::collect)
                    .map_err(|e: rustls::pki_types::pem::Error| wrong(e))?
            }
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(found);
        if roots.is_empty() {
            return Err(Error::new(
                ErrorKind::Argument,
                "there is no root certificate to check the server's with; name a file by `sslrootcert`",
            ));
        }
        Ok(roots)
    }

    /// Trusts any certificate, for `sslmode=prefer`: as libpq has it, encryption against listeners where the server
    /// offers it. Signatures are checked all the same, or the key exchange would mean nothing.
    #[derive(Debug)]
    struct AnyCertificate(Arc<CryptoProvider>);

    impl ServerCertVerifier for AnyCertificate {
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
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
