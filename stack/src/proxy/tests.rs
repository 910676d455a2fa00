use super::*;
use crate::{free_ports, wait_until};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

/// A server that sends back what it gets, and a proxy before it.
async fn echo() -> Proxy {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let target = server.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = server.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ended = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    let port = free_ports(1).unwrap()[0];
    Proxy::start(port, target).await.unwrap()
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

async fn said_back(stream: &mut TcpStream, words: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(words).await?;
    let mut back = vec![0; words.len()];
    stream.read_exact(&mut back).await?;
    Ok(back)
}

#[tokio::test]
async fn every_byte_passes_in_order_and_an_end_is_an_end() {
    let proxy = echo().await;
    let (mut from, mut to) = connect(&proxy).await.into_split();
    let sent: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    let writing = tokio::spawn({
        let sent = sent.clone();
        async move {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        }
    });
    let mut back = Vec::new();
    timeout(SOON, from.read_to_end(&mut back)).await.unwrap().unwrap();
    writing.await.unwrap();
    assert!(back == sent);
}

#[tokio::test]
async fn a_slow_network_delays_each_way() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    proxy.set(Network::Slow(Duration::from_millis(150)));
    let began = Instant::now();
    assert_eq!(said_back(&mut stream, b"late").await.unwrap(), b"late");
    assert!(began.elapsed() >= Duration::from_millis(300), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_stalled_network_says_nothing_and_passes_all_when_it_is_opened() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    said_back(&mut stream, b"first").await.unwrap();
    proxy.set(Network::Stalled);
    stream.write_all(b"second").await.unwrap();
    let mut back = [0; 6];
    let waited = timeout(Duration::from_millis(300), stream.read_exact(&mut back)).await;
    assert!(waited.is_err(), "neither bytes nor an end");
    proxy.set(Network::Open);
    timeout(SOON, stream.read_exact(&mut back)).await.unwrap().unwrap();
    assert_eq!(&back, b"second");
}

#[tokio::test]
async fn a_cut_network_resets_what_is_open_and_what_comes() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    said_back(&mut stream, b"first").await.unwrap();
    proxy.set(Network::Cut);
    let torn = timeout(SOON, stream.read(&mut [0; 1])).await.unwrap().unwrap_err();
    assert_eq!(torn.kind(), io::ErrorKind::ConnectionReset);
    assert!(said_back(&mut connect(&proxy).await, b"second").await.is_err());
    proxy.set(Network::Open);
    assert_eq!(said_back(&mut connect(&proxy).await, b"third").await.unwrap(), b"third");
}

#[tokio::test]
async fn a_reset_takes_only_the_connections_that_are_open() {
    let proxy = echo().await;
    let mut stream = connect(&proxy).await;
    said_back(&mut stream, b"first").await.unwrap();
    proxy.reset();
    assert!(timeout(SOON, stream.read(&mut [0; 1])).await.unwrap().is_err());
    assert_eq!(said_back(&mut connect(&proxy).await, b"second").await.unwrap(), b"second");
}

#[tokio::test]
async fn without_a_server_behind_it_a_connection_is_reset() {
    let [port, nobody] = free_ports(2).unwrap()[..] else { panic!("two ports") };
    let proxy = Proxy::start(port, (Ipv4Addr::LOCALHOST, nobody).into()).await.unwrap();
    let mut stream = connect(&proxy).await;
    let ended = wait_until(SOON, async || stream.read(&mut [0; 1]).await.err()).await.unwrap();
    assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
}
