"""Octets in, mutual TLS out: lets tools that cannot show a certificate, or name no host in their handshake, reach a listener.

    pump.py SANDBOX FACE ALPN     prints its own port on 127.0.0.1; ends with its standard input

A request of HTTP/1.1 that names this port in its Host header names the listener further on. Little is held on the way, so that
who is slow at one end is slow at the other.
"""
import asyncio
import socket
import sys

from door import Door

HELD = 16 * 1024


async def copy(reader, writer, ours=b"", theirs=b""):
    writer.transport.set_write_buffer_limits(HELD)
    try:
        while octets := await reader.read(HELD):
            writer.write(octets.replace(ours, theirs) if ours else octets)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


def connected(port):
    to = socket.socket()
    to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD)
    to.connect(("127.0.0.1", port))
    to.setblocking(False)
    return to


async def main():
    door = Door(sys.argv[1], sys.argv[2])
    tls = door.tls([sys.argv[3]])

    async def pump(reader, writer):
        try:
            to = await asyncio.open_connection(sock=connected(door.port), ssl=tls, server_hostname=door.host, limit=HELD)
        except OSError:
            return writer.close()
        await asyncio.gather(copy(reader, to[1], *names), copy(to[0], writer))

    server = await asyncio.start_server(pump, "127.0.0.1", 0, limit=HELD, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    names = f"Host: 127.0.0.1:{port}".encode(), f"Host: {door.authority}".encode()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
