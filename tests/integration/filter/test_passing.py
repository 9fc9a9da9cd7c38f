"""Do requests that are more than question and answer pass: WebSocket, gRPC, long bodies?"""

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from headgate.model.limits import LimitKind, parse_limit
from tests.support.filter_gateway import Gateway, fill

pytestmark = pytest.mark.integration
RATE = parse_limit(LimitKind.RATE, "100/second")


class _Echo(grpc.GenericRpcHandler):
    """Answers every method with the metadata and the bytes that came."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        names = ",".join(sorted(name for name, _ in details.invocation_metadata))
        return grpc.unary_unary_rpc_method_handler(
            lambda request, _: names.encode() + b"|" + request
        )


@pytest.fixture
def grpc_port() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[_Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def test_grpc_passes_with_a_key_and_is_refused_in_its_own_way_without(
    tmp_path: Path, grpc_port: int
) -> None:
    gateway = Gateway(tmp_path, http2_port=grpc_port)
    try:
        gateway.start()
        key = fill(gateway, RATE).text
        with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
            call = channel.unary_unary("/api/echo")
            answer = call(b"hello", metadata=[("x-api-key", key), ("x-other", "1")], timeout=5)
            names, _, body = answer.partition(b"|")
            assert body == b"hello"
            assert b"x-other" in names
            assert b"x-api-key" not in names
            with pytest.raises(grpc.RpcError) as caught:
                call(b"hello", timeout=5)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "wants a key" in caught.value.details()
    finally:
        gateway.close()


def test_a_websocket_is_opened_with_a_key_and_refused_without(tmp_path: Path) -> None:
    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    gateway = Gateway(tmp_path)
    with serve(echo, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        gateway.upstream_port = server.socket.getsockname()[1]
        try:
            gateway.start()
            key = fill(gateway, RATE).text
            url = f"ws://127.0.0.1:{gateway.port}/api/x"
            with connect(url, additional_headers={"X-API-Key": key}) as socket:
                socket.send("hello")
                assert socket.recv() == "hello"
            with pytest.raises(Exception, match="401"), connect(url):
                pass
        finally:
            gateway.close()
            server.shutdown()
            thread.join()


def test_a_body_is_passed_on_whole_and_the_connection_is_kept(gateway: Gateway) -> None:
    key = fill(gateway, RATE).text
    with closing(http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as connection:
        for method, sent in (("POST", b"x" * 300_000), ("GET", b"")):
            connection.request(method, "/api/x", body=sent, headers={"x-api-key": key})
            answer = connection.getresponse()
            assert answer.status == 200
            length = json.loads(answer.read())["headers"].get("content-length")
            assert length == str(len(sent))
