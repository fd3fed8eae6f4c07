"""Fixtures that many tests share."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from juyi.tokenization import SubwordTokenizer

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["JUYI_LANGUAGE"] = "en"  # whatever the machine speaks


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets, which lie beside the checkout where they exist at all."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not here ({folder})")
    return folder


Calls = dict[str, list[dict[str, Any]]]
Noted = Callable[..., AbstractContextManager[Calls]]


@pytest.fixture
def noted() -> Noted:
    """`noted(function, …)`: the arguments of every call of these functions in this thread, by name; nothing is replaced."""

    @contextmanager
    def observe(*functions: Callable[..., Any]) -> Iterator[Calls]:
        codes = {inspect.unwrap(function).__code__: function.__name__ for function in functions}
        calls: Calls = {function.__name__: [] for function in functions}

        def note(frame: FrameType, event: str, argument: object) -> None:
            if event == "call" and frame.f_code in codes:
                calls[codes[frame.f_code]].append(dict(frame.f_locals))

        sys.settrace(note)  # which, other than a profile function, hears nothing of calls into C
        try:
            yield calls
        finally:
            sys.settrace(None)

    return observe


Juyi = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def warm() -> Iterator[subprocess.Popen[str]]:
    """See `warm_server.py`."""
    server = Path(__file__).parent / "warm_server.py"
    with subprocess.Popen([sys.executable, server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


@pytest.fixture(scope="session")
def juyi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Juyi:
    """`juyi(argument, …)`: a command in a process of its own, as a person runs it, and how it ended.

    With `stdin`, a text; `folder`, where it is run; `variables` of the environment; `before`, code that is run in that process
    before the command; and `meanwhile`, which is called with the number of the process while it runs.
    """

    def run(
        *arguments: object,
        stdin: str = "",
        folder: Path | None = None,
        variables: dict[str, str] | None = None,
        before: str = "",
        meanwhile: Callable[[int], object] = lambda _: None,
    ) -> subprocess.CompletedProcess[str]:
        words, folder = [*map(str, arguments)], folder or Path.cwd()
        environment = {**os.environ, "COLUMNS": "120", "PYTHONIOENCODING": "utf-8", **(variables or {})}
        streams = [tmp_path_factory.mktemp("streams") / name for name in ("in", "out", "error")]
        for stream, content in zip(streams, (stdin, "", ""), strict=True):
            stream.write_text(content, encoding="utf-8")
        if hasattr(os, "fork"):
            server = request.getfixturevalue("warm")
            asked = {"arguments": words, "environment": environment, "folder": str(folder), "before": before}
            server.stdin.write(json.dumps(asked | {"streams": [*map(str, streams)]}) + "\n")
            server.stdin.flush()
            meanwhile(int(server.stdout.readline()))
            status = int(server.stdout.readline())
        else:
            command = [sys.executable, "-c", f"{before}\nfrom juyi.cli.main import main\nmain()", *words]
            with streams[0].open("rb") as read, streams[1].open("wb") as out, streams[2].open("wb") as error:
                child = subprocess.Popen(command, stdin=read, stdout=out, stderr=error, cwd=folder, env=environment)
                meanwhile(child.pid)
                status = child.wait()
        out_text, error_text = (stream.read_bytes().decode("utf-8") for stream in streams[1:])
        return subprocess.CompletedProcess(words, status, out_text, error_text)

    return run


_SENTENCES = """
今天天气很好，我们去公园散步。
今天的天气非常好，适合去公园走走。
明天会下雨吗？
我想办理一张信用卡。
信用卡怎么申请？
怎样注销信用卡
我的信用卡丢了，应该怎么办？
上个月的账单为什么还没有寄到
请问这个月的账单什么时候出来？
手机号码换了，怎么修改预留的号码
怎么修改登录密码
忘记密码了，怎么找回？
快递三天了还没有到
我的快递什么时候能送到？
商品有质量问题，可以退货吗
七天之内可以无理由退货吗？
退款多久能到账
这件衣服有没有大一号的
客服的电话是多少
营业时间是几点到几点？
附近有没有好吃的面馆
北京到上海的高铁要坐多久？
从上海到北京坐飞机要几个小时
他在一家银行工作了十年。
她是一名中学的数学老师。
三角形的面积公式是什么
水在多少度的时候会结冰？
人工智能会改变我们的生活
句子向量可以用来做语义检索。
语义相似的句子，向量也应该相近。
向量之间的余弦相似度
猫坐在垫子上
一只猫在垫子上睡觉
孩子们在操场上踢足球
男孩在弹吉他
一个男人正在弹钢琴
这部电影真的很好看
这本书写得不太好
股票市场今天大幅下跌
政府公布了新的政策
The weather is good today.
How is the weather tomorrow?
I would like to apply for a credit card.
How can I reset my password?
My parcel has not arrived yet.
When will the parcel be delivered?
Can I return this within seven days?
A man is playing the guitar.
A man is playing the piano.
A cat is sleeping on the mat.
Two dogs are running in the park.
Children are playing football.
The stock market fell sharply today.
Sentence embeddings are useful for semantic search.
She is a teacher of mathematics.
He has worked at a bank for ten years.
iPhone 15 的价格是多少？
请帮我打开 WiFi 和 Bluetooth
CPU 的温度到了 90 度，正常吗
OK，谢谢你的帮助！
"""


@pytest.fixture(scope="session")
def sentences() -> list[str]:
    """Sixty Chinese and English sentences, short and long."""
    return _SENTENCES.strip().splitlines()


@pytest.fixture(scope="session")
def table_head() -> str:
    """What a table of published figures begins with, its columns and rows still to come."""
    about = 'title = { en = "Small", zh = "小" }\nconditions = { en = "none", zh = "无" }\n'
    return f'name = "small"\nsource = "nobody"\nlink = "https://example.org"\n{about}'


@pytest.fixture(scope="session")
def small_tokenizer(sentences: list[str]) -> SubwordTokenizer:
    """A WordPiece tokenizer that knows the sentences' characters."""
    from juyi.tokenization import train_wordpiece

    return train_wordpiece(sentences, size=480, min_frequency=1)


StandIn = Callable[..., Path]


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory, small_tokenizer: SubwordTokenizer) -> StandIn:
    """`stand_in(model_type, pooler=True, **options)`: the folder of a tiny random backbone, as `save_pretrained` writes it.

    Built by transformers alone, three layers, 32 wide, 4 heads, 64 positions; weights large enough that every part counts.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    from juyi.encoder.nezha import register_nezha

    register_nezha()
    made: dict[str, Path] = {}
    usual: dict[str, Any] = {"num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 48, "hidden_size": 32}
    special: dict[str, dict[str, Any]] = {
        "albert": {"embedding_size": 16},
        "electra": {"embedding_size": 16},
        "roformer": {"embedding_size": 16},
        "modernbert": {"local_attention": 8},
        "nezha": {"max_relative_position": 5},
        "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8, "conv_kernel_size": 3},
        "ernie": {"use_task_id": True},
        "mistral": {"sliding_window": 8},
        "gemma3_text": {"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]},
    }
    for kind in ("qwen2", "qwen3", "llama", "mistral", "gemma3_text"):
        special[kind] = {"num_key_value_heads": 2, "head_dim": 8} | special.get(kind, {})
    special["qwen2"].pop("head_dim")

    def make(model_type: str, *, pooler: bool = True, **options: Any) -> Path:
        key = f"{model_type}-{pooler}-{sorted(options.items())}"
        if key in made:
            return made[key]
        sizes = usual if model_type != "distilbert" else {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48}
        ids = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
        positions = {"vocab_size": small_tokenizer.size, "max_position_embeddings": 64}
        config = AutoConfig.for_model(model_type, **(positions | sizes | ids | special.get(model_type, {}) | options))
        takes_pooler = model_type in ("bert", "roberta", "xlm-roberta", "albert", "nezha", "mpnet", "ernie")
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(7)
            model = AutoModel.from_config(config, **({"add_pooling_layer": pooler} if takes_pooler else {}))
            for name, parameter in model.named_parameters():
                if parameter.ndim > 1 and "embed_positions" not in name:
                    parameter.normal_(std=0.3)
                elif name.endswith("bias"):
                    parameter.normal_(std=0.1)
        folder = tmp_path_factory.mktemp("stand-in")
        model.save_pretrained(folder)
        small_tokenizer.save(folder)
        made[key] = folder
        return folder

    return make


@pytest.fixture(scope="session")
def with_graph(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder with its graph; an export takes seconds, and tests about other things begin with this."""
    from juyi.encoder import load_encoder, save_encoder
    from juyi.engines.export import export_onnx

    encoder = load_encoder(stand_in("bert", num_hidden_layers=1))
    folder = save_encoder(encoder, tmp_path_factory.mktemp("with-graph") / "model")
    export_onnx(encoder, folder)
    return folder


@pytest.fixture(scope="session")
def build(stand_in: StandIn, sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    """`build(kind, …)`: a folder laid out as those that people bring; see `model_folders.Built`."""
    sys.path.insert(0, str(Path(__file__).parent))  # test modules are no package here
    import model_folders

    def make(kind: str, **described: Any) -> Path:
        folder = tmp_path_factory.mktemp("model") / "model"
        return model_folders.build(model_folders.Built(kind, **described), folder, sentences=sentences, stand_in=stand_in)

    return make
