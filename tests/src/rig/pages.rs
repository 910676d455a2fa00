//! A site's own web server, as small as it can be: pages by their paths, and what was asked of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

/// A page: headers, each with its line's end, and HTML.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub headers: String,
    pub html: String,
}

/// The server. Dropped, it is gone.
pub struct Pages {
    pub port: u16,
    content: Arc<Content>,
    listening: AbortHandle,
}

#[derive(Default)]
struct Content {
    pages: Mutex<HashMap<String, Page>>,
    /// Paths and bodies.
    asked: Mutex<Vec<(String, String)>>,
}

impl Pages {
    /// Without a page yet.
    pub async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let content = Arc::<Content>::default();
        let shown = Arc::clone(&content);
        let listen = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shown)));
            }
        };
        Self { port, content, listening: tokio::spawn(listen).abort_handle() }
    }

    pub fn put(&self, path: &str, page: Page) {
        self.content.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// The bodies of what was sent to a path.
    pub fn received(&self, path: &str) -> Vec<String> {
        let asked = self.content.asked.lock().unwrap();
        asked.iter().filter(|(to, _)| to == path).map(|(_, body)| body.clone()).collect()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// One request, one answer: a browser that goes away in between is no concern of ours.
async fn answer(stream: TcpStream, content: Arc<Content>) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let path = target.split('?').next()?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().ok()?;
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let page = content.pages.lock().unwrap().get(&path).cloned();
    content.asked.lock().unwrap().push((path, String::from_utf8_lossy(&body).into_owned()));
    let (status, Page { headers, html }) =
        page.map_or(("404 Not Found", Page::default()), |page| ("200 OK", page));
    let said = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Connection: close\r\n{headers}\r\n{html}",
        html.len()
    );
    stream.write_all(said.as_bytes()).await.ok()
}
