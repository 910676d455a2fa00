//! SIGTERM: who is being answered is answered and told to go, whatever he speaks.

use super::Secure;
use crate::{
    endpoints::Mark,
    rig::{Program, run, until},
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[test]
fn at_the_end_each_open_request_is_answered_and_each_client_told_to_go() {
    run(async {
        let mut secure = Secure::start("drained_tls", &[]).await;
        let name = Mark::on(&secure.site).name;
        let body = json!({ "ename": name }).to_string();

        let mut http1 = secure.connect(&[b"http/1.1"]).await;
        let head = format!(
            "POST /tr/v1/tr/ HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        http1.write_all(head.as_bytes()).await.unwrap();
        // The edge has begun to read the body when it asks for it.
        let mut asked = [0; 25];
        http1.read_exact(&mut asked).await.unwrap();

        let (sender, mut connection) = h2::client::handshake(secure.connect(&[b"h2"]).await).await.unwrap();
        let mut ponging = connection.ping_pong().unwrap();
        let driving = tokio::spawn(connection);
        let mut sender = sender.ready().await.unwrap();
        let request = http::Request::post("https://localhost/tr/v1/tr/").body(()).unwrap();
        let (answer, mut sending) = sender.send_request(request, false).unwrap();
        // What is answered after the head has been taken.
        ponging.ping(h2::Ping::opaque()).await.unwrap();

        let plain = secure.port();
        let finish = async {
            until("no new connection is taken", async || {
                tokio::net::TcpStream::connect(&plain).await.is_err().then_some(())
            })
            .await;
            http1.write_all(body.as_bytes()).await.unwrap();
            sending.send_data(body.clone().into(), true).unwrap();
            let mut said = String::new();
            http1.read_to_string(&mut said).await.unwrap();
            assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("connection: close"), "{said}");
            assert_eq!(answer.await.unwrap().status(), 200);
            // GOAWAY: the client's library ends by itself, in peace.
            driving.await.unwrap().unwrap();
            assert!(sender.ready().await.is_err(), "nothing more is asked here");
        };
        let (ended, ()) = tokio::join!(secure.site.stop(Program::Edge), finish);
        assert_eq!(ended.and_then(|status| status.code()), Some(0));
        assert_eq!(Mark::named(&secure.site, &name).recorded().await, 2);
    });
}
