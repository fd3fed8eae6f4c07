"""Write `nezha_reference.safetensors`: a tiny random NEZHA and what transformers 4.40.2, the last with NEZHA, computes with it.

No test runs this. To make the file again, in an environment of its own:

    python3 -m venv nezha-venv
    nezha-venv/bin/pip install transformers==4.40.2 torch==2.13.0 numpy
    nezha-venv/bin/python tests/encoder/make_nezha_reference.py

The file holds the weights under their own names; `reference.*` are the inputs, and the hidden states and the pooled [CLS] of a
batch whose rows are longer than the longest relative position and padded. The metadata holds the configuration.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

SIZES = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
LENGTHS = (20, 15, 3)


def main() -> None:
    """Write the file beside this one."""
    torch.manual_seed(20)
    config = transformers.NezhaConfig(**SIZES, max_relative_position=6, max_position_embeddings=32)
    model = transformers.NezhaModel(config).eval()
    mask = torch.tensor([[1] * length + [0] * (max(LENGTHS) - length) for length in LENGTHS])
    ids = torch.randint(5, config.vocab_size, mask.shape) * mask
    segments = (torch.arange(mask.shape[1]) >= 9).long() * mask
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(mean=1.0 if name.endswith("LayerNorm.weight") else 0.0, std=0.3)
        output = model(ids, attention_mask=mask, token_type_ids=segments, output_hidden_states=True)
    reference = {
        "input_ids": ids,
        "attention_mask": mask,
        "token_type_ids": segments,
        "hidden_states": torch.stack(output.hidden_states),
        "pooler_output": output.pooler_output,
    }
    tensors = model.state_dict() | {f"reference.{name}": tensor for name, tensor in reference.items()}
    metadata = {"config": json.dumps(config.to_diff_dict()), "transformers": transformers.__version__}
    path = Path(__file__).with_name("nezha_reference.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    path.chmod(0o644)  # safetensors writes files that only their owner can read


if __name__ == "__main__":
    main()
