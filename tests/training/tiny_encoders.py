"""Encoders small enough for tests, and sentences for them. Also imported by the scripts that run in processes of their own."""

from __future__ import annotations

from functools import cache
from typing import Any

from juyi.encoder import Encoder, create_encoder
from juyi.encoder.heads import Dense
from juyi.poolings import PoolingName
from juyi.tokenization import SubwordTokenizer, train_wordpiece

SENTENCES = [
    "今天天气很好。",
    "明天会下雨吗?",
    "我想退掉昨天买的鞋子。",
    "怎么修改收货地址?",
    "这本书讲的是宋代的历史。",
    "请帮我取消明早的闹钟。",
    "信用卡的还款日是哪一天?",
    "他在操场上跑步。",
    "她弹得一手好钢琴。",
    "火车晚点了两个小时。",
    "附近有没有好吃的面馆?",
    "请把空调调到二十六度。",
    "手机充不进电怎么办?",
    "如何申请开具电子发票?",
    "孩子发烧了要去医院吗?",
    "这家酒店可以带宠物入住吗?",
    "会议改到了下午三点。",
    "股票今天跌了不少。",
    "请播放一首安静的歌。",
    "我忘记了登录密码。",
    "春天来了,花都开了。",
    "这道菜太咸了。",
    "图书馆几点关门?",
    "从北京到上海的高铁要多久?",
    "他们正在讨论新的合同。",
    "快递显示已签收,可我没有收到。",
    "退款什么时候到账?",
    "老师表扬了认真听讲的学生。",
    "天。",
    "那位作家写过许多关于大海和远行的故事,读者至今还在传阅。",
    "the cat sat on the mat",
    "how do I change my password?",
    "the train to the airport leaves at nine",
    "a man is playing the guitar",
    "she is reading a very long book about the sea",
    "please cancel my order",
    "what is the weather like tomorrow?",
    "the meeting has been moved to friday",
    "my phone does not charge any more",
    "two dogs are running through the snow",
    "where can I find cheap noodles nearby?",
    "the bank is closed on sundays",
    "turn off the lights in the kitchen",
    "he forgot his keys again",
    "an old woman feeds the birds in the park",
    "the stock market fell sharply today",
    "can I bring my dog to the hotel?",
    "play some quiet music",
    "the parcel never arrived",
    "when will I get my money back?",
    "children are playing in the garden",
    "the soup is too salty",
    "it rains",
    "spring has come and the flowers are blooming",
    "our teacher praised the careful students",
    "set an alarm for half past six",
    "the library opens at ten",
    "they discuss the new contract",
    "the mountain is covered with deep snow",
    "her brother drives a red car",
]

_ROPE = {"layer_types": ["full_attention", "sliding_attention"], "local_attention": 8}


@cache
def tokenizer() -> SubwordTokenizer:
    return train_wordpiece(SENTENCES, size=420, min_frequency=1)


def rows(count: int = len(SENTENCES)) -> list[list[int]]:
    return tokenizer().tokenize(SENTENCES[:count], 40)


def build(
    kind: str = "bert",
    dropout: float = 0.1,
    *,
    seed: int = 1,
    pooling: PoolingName = "last-avg",
    heads: tuple[Dense, ...] = (),
) -> Encoder:
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    keys = {
        "bert": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
        "modernbert": ("embedding_dropout", "mlp_dropout", "attention_dropout"),
    }[kind]
    options: dict[str, Any] = {**shape, "max_position_embeddings": 64, **dict.fromkeys(keys, dropout)}
    bare = create_encoder(kind, options | (_ROPE if kind == "modernbert" else {}), tokenizer(), max_length=40, seed=seed)
    return Encoder(bare.backbone, bare.tokenizer, pooling=pooling, heads=heads, max_length=40).eval()
