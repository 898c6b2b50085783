"""The page to try a model: over HTTP, and in a real browser where there is one."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kft import demo, errors
from kft.cli import command
from kft.config import DemoConfig
from kft.evaluation import load_run
from kft.inference import answers, demo_server, find_model, listen_address
from kft.inference import predictor as inference_predictor
from kft.tasks import grad_cam
from tests.exporters.conftest import Exported, encoded

IMAGE = encoded("JPEG", height=90, width=120, seed=4)
LIMIT = 200_000


def _serve(config: DemoConfig) -> Iterator[demo_server.Server]:
    with demo.server(config, find_model.chosen(config)) as server:
        thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": 0.01},
            # A test that fails must not keep the process.
            daemon=True,
        )
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(small_run: Path) -> Iterator[demo_server.Server]:
    with pytest.MonkeyPatch.context() as patch:
        # The run's inputs are so small that its feature map would be refused.
        patch.setattr(grad_cam, "LEAST_SIDE", 1)
        yield from _serve(
            DemoConfig(run_dir=str(small_run), port=0, max_megabytes=LIMIT / 1e6)
        )


def _ask(
    server: demo_server.Server,
    method: str = "POST",
    path: str = "/predict",
    body: bytes | None = IMAGE,
    **headers: str,
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*server.server_address, timeout=60)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=names)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def test_it_listens_on_this_machine_alone_by_default(
    server: demo_server.Server,
) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert DemoConfig(run_dir="r").host == "127.0.0.1"


def test_the_run_may_stand_without_its_flag(
    small_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    statuses = []

    def answer_once(serving: demo_server.Server) -> None:
        thread = threading.Thread(target=serving.handle_request)
        thread.start()
        statuses.append(_ask(serving)[0])
        thread.join()
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_server.Server, "serve_forever", answer_once)
    assert command.execute(demo.COMMAND, [str(small_run), "--port=0"]) == 0
    assert statuses == [200]
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")
    both = [str(small_run), f"--run_dir={small_run}"]
    assert command.execute(demo.COMMAND, both) == 2
    assert command.execute(demo.COMMAND, [str(small_run / "gone")]) == 2
    assert "There is no run folder" in capsys.readouterr().err


def test_a_image_gets_what_predict_says_and_where_it_looks(
    server: demo_server.Server, small_run: Path
) -> None:
    status, content = _ask(server)
    answer = json.loads(content)
    assert status == 200
    predictor = inference_predictor.of_run(load_run.load(str(small_run)))
    expected, _ = answers.predict_one(predictor, IMAGE, top_k=3)
    labels = [one["label"] for one in expected.content["predictions"]]
    assert [one["label"] for one in answer["predictions"]] == labels
    assert answer["predictions"][0]["probability"] == pytest.approx(
        expected.content["predictions"][0]["probability"], abs=1e-6
    )
    assert answer["seen"].startswith('<img src="data:image/jpeg;base64,')
    assert answer["explanation"].startswith('<img src="data:image/png;base64,')


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        ({"body": b"no image"}, 400, "not an image"),
        ({"body": IMAGE[:300]}, 400, "JPEG"),
        ({"body": b""}, 400, "not an image"),
        ({"body": bytes(LIMIT + 1)}, 413, "the file has 0.2 MB; at most 0.2"),
        ({"body": None, "Content_Length": "9" * 5000}, 413, "at most 0.2"),
        ({"path": "/other"}, 404, "/predict"),
        ({"method": "GET", "path": "/../labels.txt", "body": None}, 404, "only /"),
        ({"Host": "evil.example:80"}, 403, "only the page"),
        ({"Host": "["}, 403, "only the page"),
        ({"Origin": "http://evil.example"}, 403, "only the page"),
    ],
)
def test_what_it_can_not_answer_is_a_message(
    server: demo_server.Server, request_: dict, status: int, message: str
) -> None:
    received, content = _ask(server, **request_)
    assert received == status
    assert message in json.loads(content)["error"]


def test_a_model_that_fails_is_an_answer_and_the_next_image_gets_its_own(
    server: demo_server.Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(payload: bytes) -> dict:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch, caplog.at_level("ERROR", logger="absl"):
        patch.setattr(server.asked, "answer", fail)
        status, content = _ask(server)
    assert status == 500
    assert "the model failed on this file" in json.loads(content)["error"]
    assert "out of memory" in caplog.text
    assert _ask(server)[0] == 200


def test_the_page_comes_with_a_policy_against_foreign_code(
    server: demo_server.Server,
) -> None:
    connection = http.client.HTTPConnection(*server.server_address, timeout=60)
    connection.request("GET", "/")
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert f'Number("{LIMIT}")' in text
    assert "http:" not in text.replace(server.address, "")
    assert "https:" not in text


def test_a_port_in_use_is_a_mistake_that_says_so(
    server: demo_server.Server, small_run: Path
) -> None:
    address = listen_address.find("127.0.0.1", server.server_address[1])
    with pytest.raises(errors.ConfigError, match=r"another --port") as caught:
        demo_server.Server(server.asked, address=address, max_bytes=1)
    assert "cannot listen there: Address already in use" in str(caught.value)


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("", "--host: expected an address, received none"),
        (" ", "--host: expected an address, received none"),
        ("[::1]", "without brackets, such as ::1"),
        ("8.8.8.8", "Choose a --host of this machine: 127.0.0.1"),
        ("a..b", "there is no such host"),
        ("x" * 300, "there is no such host"),
        ("\udcff", "there is no such host"),
        ("a\0b", "there is no such host"),
    ],
)
def test_a_host_that_is_none_of_this_machine_says_what_to_write(
    host: str, says: str, server: demo_server.Server
) -> None:
    with pytest.raises(errors.ConfigError, match=says) as caught:
        demo_server.Server(
            server.asked, address=listen_address.find(host, 0), max_bytes=1
        )
    assert "another --port" not in str(caught.value)


def test_an_address_of_ipv6_is_one_in_brackets(server: demo_server.Server) -> None:
    try:
        address = listen_address.find("::1", 0)
        other = demo_server.Server(server.asked, address=address, max_bytes=1)
    except errors.ConfigError:
        pytest.skip("no IPv6 on this machine")
    with other:
        assert other.address == f"http://[::1]:{other.server_port}/"
        assert other.is_of_this_machine_alone
        assert other.is_asked_by_name(f"[::1]:{other.server_port}")
        assert not other.is_asked_by_name("evil.example")


def test_localhost_is_this_machine_alone(server: demo_server.Server) -> None:
    address = listen_address.find("localhost", 0)
    with demo_server.Server(server.asked, address=address, max_bytes=1) as other:
        assert other.bound_to == "127.0.0.1"
        assert other.is_of_this_machine_alone


def test_40_browsers_at_once_are_all_answered(server: demo_server.Server) -> None:
    together = threading.Barrier(40)

    def ask(number: int) -> int:
        together.wait()
        return _ask(server, body=b"junk" * 200)[0]

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(ask, range(40))) == {400}


@pytest.mark.parametrize(
    "begin", [b"", b"POST /predict HTTP/1.0\r\nHost: localhost\r\nContent-Length: 99"]
)
def test_a_byte_now_and_then_does_not_keep_a_connection(
    begin: bytes, server: demo_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_server, "_IDLE_SECONDS", 0.5)
    begun = time.monotonic()
    with socket.create_connection(server.server_address) as connection:
        connection.sendall(begin + b"\r\n\r\n" if begin else begin)
        connection.settimeout(0.1)
        while time.monotonic() - begun < 10.0:
            try:
                connection.sendall(b"x")
                if not connection.recv(100):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
    assert time.monotonic() - begun < 5.0


def test_the_first_image_does_not_wait_for_the_network_to_be_traced(
    exported: Exported,
) -> None:
    # Nobody has asked this one.
    for server in _serve(DemoConfig(run_dir=str(exported.run), port=0)):
        preprocess = server.asked._predictor.preprocess
        assert preprocess.experimental_get_tracing_count() == 1


def test_an_export_answers_without_a_map(exported: Exported) -> None:
    config = DemoConfig(model=str(exported.saved_model), port=0)
    for server in _serve(config):
        status, content = _ask(server)
        answer = json.loads(content)
        assert status == 200
        assert len(answer["predictions"]) == 3
        assert (answer["seen"], answer["explanation"]) == (None, None)


def test_in_a_browser_images_get_bars_and_bad_files_a_message(
    server: demo_server.Server, browser, tmp_path: Path
) -> None:
    files = {"a.jpg": IMAGE, "bad.jpg": b"nothing", "large.jpg": bytes(LIMIT + 1)}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    answer = json.loads(_ask(server)[1])
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(server.address)

    page.set_input_files("#files", [tmp_path / name for name in files])
    page.wait_for_selector("article:first-child:nth-last-child(3) .error")

    # The newest is on top.
    titles = [one.inner_text() for one in page.query_selector_all("h2")]
    assert titles == ["large.jpg", "bad.jpg", "a.jpg"]
    said = [one.inner_text() for one in page.query_selector_all(".error")]
    assert said[0] == "the file has 0.2 MB; at most 0.2 are taken"
    assert said[1].startswith("not an image")
    labels = [one.inner_text() for one in page.query_selector_all(".label")]
    assert labels == [one["label"] for one in answer["predictions"]]
    lengths = page.eval_on_selector_all("meter", "all => all.map(one => one.value)")
    assert lengths == pytest.approx(
        [one["probability"] for one in answer["predictions"]]
    )
    assert page.is_visible(".explanation img")
    page.uncheck("#look")
    assert not page.is_visible(".explanation img")
    assert problems == []


def test_in_a_browser_a_image_can_be_dropped(
    server: demo_server.Server, browser
) -> None:
    page = browser.new_page()
    page.goto(server.address)
    page.evaluate(
        """bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "dropped.jpg"));
          const event = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
          document.getElementById("drop").dispatchEvent(event);
        }""",
        list(IMAGE),
    )
    page.wait_for_selector(".label")
    assert page.inner_text("h2") == "dropped.jpg"
    assert page.evaluate("document.querySelector('img').naturalWidth") == 64
