//! A connection's socket: as it is while nothing happens, and as hyper sees it while something does.

use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket, and what was read from it but not looked at.
pub(super) struct Socket<S> {
    pub(super) stream: S,
    pub(super) before: Bytes,
}

/// What goes over a socket, for somebody who wants to know whether hyper holds anything of it. hyper is set to flush only
/// when its buffer of input is empty (`pipeline_flush`), and passes a flush on only when its buffer of output is: after
/// a flush, and before the next byte comes or goes, both are empty.
#[derive(Default)]
pub(super) struct Traffic {
    settled: AtomicBool,
    moved: AtomicBool,
}

impl Traffic {
    /// Whether hyper holds no bytes, and none has come or gone since this was asked last. Everything happens in one task,
    /// so nothing has to be ordered.
    pub(super) fn is_quiet(&self) -> bool {
        !self.moved.swap(false, Ordering::Relaxed) && self.settled.load(Ordering::Relaxed)
    }

    fn moves(&self) {
        self.moved.store(true, Ordering::Relaxed);
        self.settled.store(false, Ordering::Relaxed);
    }

    fn settles(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }
}

/// A socket that says what goes over it.
pub(super) struct Watched<S> {
    socket: Socket<S>,
    traffic: Arc<Traffic>,
}

impl<S> Watched<S> {
    pub(super) fn new(socket: Socket<S>, traffic: Arc<Traffic>) -> Watched<S> {
        Watched { socket, traffic }
    }

    /// The socket, of which this was read and not looked at.
    pub(super) fn into_socket(self, unread: &[u8]) -> Socket<S> {
        // A copy: even if nothing is in it, what hyper gives back is its whole buffer.
        let before = Bytes::copy_from_slice(unread);
        Socket { stream: self.socket.stream, before }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = &mut self.socket.before;
        if !before.is_empty() {
            let count = before.len().min(buffer.remaining());
            buffer.put_slice(&before.split_to(count));
            self.traffic.moves();
            // What has come behind it goes along: if hyper judged a request by its first bytes and closed the socket with
            // the others unread, the client might lose the answer. Whatever this read meets, the next one meets as well.
            if buffer.remaining() > 0 {
                let _as_well = Pin::new(&mut self.socket.stream).poll_read(cx, buffer);
            }
            return Poll::Ready(Ok(()));
        }
        let room = buffer.remaining();
        let read = ready!(Pin::new(&mut self.socket.stream).poll_read(cx, buffer));
        if buffer.remaining() < room {
            self.traffic.moves();
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.traffic.moves();
        Pin::new(&mut self.socket.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket.stream).poll_flush(cx))?;
        self.traffic.settles();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket.stream).poll_shutdown(cx)
    }
}
