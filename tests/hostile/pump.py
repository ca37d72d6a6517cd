"""Octets in, mutual TLS out: lets tools that cannot show a certificate, or name no host in their handshake, reach a listener.

    pump.py SANDBOX front|back ALPN [PORT]     prints its own port on 127.0.0.1; ends with its standard input
"""
import asyncio
import sys

from door import Door


async def copy(reader, writer):
    try:
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def main():
    door = Door(sys.argv[1], sys.argv[2])
    tls = door.tls([sys.argv[3]])

    async def pump(reader, writer):
        try:
            to = await asyncio.open_connection("127.0.0.1", door.port, ssl=tls, server_hostname=door.host)
        except OSError:
            return writer.close()
        await asyncio.gather(copy(reader, to[1]), copy(to[0], writer))

    server = await asyncio.start_server(pump, "127.0.0.1", int(sys.argv[4]) if len(sys.argv) > 4 else 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
