use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

/// A root, a certificate of the broker and one of a client, in files.
struct Papers {
    folder: tempfile::TempDir,
    root: CertificateDer<'static>,
    client: (CertificateDer<'static>, PrivateKeyDer<'static>),
}

fn papers() -> Papers {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem", root.pem());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    write("cert.pem", params.signed_by(&key, &root).unwrap().pem());
    write("key.pem", key.serialize_pem());
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::OrganizationName, "Hares");
    params.distinguished_name.push(DnType::CommonName, "worker-ä");
    let client = params.signed_by(&key, &root).unwrap().der().clone();
    let client = (client, PrivateKeyDer::try_from(key.serialize_der()).unwrap());
    Papers { root: root.der().clone(), folder, client }
}

fn files(papers: &Papers, ca: bool, require: bool) -> TlsFiles {
    let path = |name: &str| papers.folder.path().join(name);
    TlsFiles {
        certificate: path("cert.pem"),
        key: path("key.pem"),
        client_ca: ca.then(|| path("ca.pem")),
        require_client_certificate: require,
    }
}

/// Shakes hands and answers the name that the broker reads in the client's certificate.
async fn shake(
    papers: &Papers,
    identity: &Identity,
    with_certificate: bool,
) -> std::io::Result<Option<String>> {
    let mut roots = RootCertStore::empty();
    roots.add(papers.root.clone()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = if with_certificate {
        let (certificate, key) = &papers.client;
        config.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
    } else {
        config.with_no_client_auth()
    };
    let (near, far) = tokio::io::duplex(1 << 16);
    let connector = TlsConnector::from(Arc::new(config));
    let client = connector.connect(ServerName::try_from("localhost").unwrap(), far);
    let (server, client) = tokio::join!(identity.acceptor().accept(near), client);
    client?;
    Ok(client_name(server?.get_ref().1))
}

#[tokio::test]
async fn a_client_is_known_by_the_common_name_of_its_certificate() {
    let papers = papers();
    let identity = Identity::load(files(&papers, true, false)).unwrap();
    assert_eq!(shake(&papers, &identity, true).await.unwrap().as_deref(), Some("worker-ä"));
    assert_eq!(shake(&papers, &identity, false).await.unwrap(), None);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_demanded() {
    let papers = papers();
    let identity = Identity::load(files(&papers, true, true)).unwrap();
    assert!(shake(&papers, &identity, false).await.is_err());
    assert!(shake(&papers, &identity, true).await.is_ok());
}

#[tokio::test]
async fn without_roots_nobody_is_asked_for_a_certificate() {
    let papers = papers();
    let identity = Identity::load(files(&papers, false, false)).unwrap();
    assert_eq!(shake(&papers, &identity, true).await.unwrap(), None);
}

#[tokio::test]
async fn files_are_read_again_and_bad_ones_change_nothing() {
    let papers = papers();
    let identity = Identity::load(files(&papers, false, false)).unwrap();
    std::fs::write(papers.folder.path().join("cert.pem"), "nothing").unwrap();
    assert!(matches!(identity.reload(), Err(TlsError::Empty { .. })));
    assert!(shake(&papers, &identity, false).await.is_ok());
}

#[test]
fn what_is_missing_or_does_not_fit_is_named() {
    let papers = papers();
    let mut files = files(&papers, true, false);
    files.key = papers.folder.path().join("missing.pem");
    let error = Identity::load(files.clone()).map(drop).unwrap_err();
    assert!(error.to_string().contains("missing.pem"), "{error}");
    files.key = papers.folder.path().join("cert.pem");
    assert!(Identity::load(files).is_err());
}

#[test]
fn garbage_has_no_name() {
    for length in 0..200u8 {
        let garbage: Vec<u8> = (0..length).map(|i| i.wrapping_mul(37) ^ length).collect();
        assert_eq!(subject::common_name(&garbage), None);
        let mut nested = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff];
        nested.extend(garbage);
        assert_eq!(subject::common_name(&nested), None);
    }
}
