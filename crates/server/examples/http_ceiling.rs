//! The ceiling of the SQS door: an HTTP server with the door's own settings that reads each request whole and answers
//! a body of so many bytes as the path says (`/240`), and does nothing else. `sqs` of `crates/bench` measures the
//! broker beside it: what lies between the two is what queues, promises and JSON cost.
//!
//! Usage: `http_ceiling 127.0.0.1:9400`

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 10;
static ANSWER: [u8; LONGEST] = [b'x'; LONGEST];

fn main() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::args().nth(1).ok_or("usage: http_ceiling ADDRESS:PORT")?.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(accept(address))
}

async fn accept(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}

async fn serve(stream: TcpStream) {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(60))
        .max_buf_size(LONGEST)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    // A client that goes away ends its connection, and nothing else.
    let _ended = connection.await;
}

async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A body that breaks off ends the connection when the answer is written.
    let _whole = body.collect().await;
    let bytes = head.uri.path().trim_start_matches('/').parse().unwrap_or(0).min(LONGEST);
    let mut response = hyper::Response::new(Full::new(Bytes::from_static(&ANSWER[..bytes])));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    Ok(response)
}
