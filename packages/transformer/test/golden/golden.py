"""Expected values of the tiny models, from a float64 program of its own.

It follows the modelling code of Hugging Face transformers (GPT2LMHeadModel, GPTNeoXForCausalLM, LlamaForCausalLM,
MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, Gemma2ForCausalLM, Gemma3ForCausalLM, modeling_rope_utils) and of TransformerLens
(HookedTransformer), one position matrix at a time, and shares nothing with the TypeScript.

    python3 golden.py        # needs numpy and node; writes golden.json
"""

import json
import math
import pathlib
import struct
import subprocess
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).parent
TOKENS = [1, 17, 5, 9, 5, 22, 13, 28]


def load(folder):
    data = (folder / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    weights = {}
    for name, info in header.items():
        start, end = (8 + length + offset for offset in info["data_offsets"])
        flat = np.frombuffer(data[start:end], dtype="<f4").astype(np.float64)
        weights[name] = flat.reshape(info["shape"])
    return json.loads((folder / "config.json").read_text()), weights


# --- activations, as in transformers.activations and transformer_lens.utilities ---


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACT = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_fast": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "solu": lambda x: x * softmax(x),
    "solu_ln": lambda x: x * softmax(x),
}


# --- norms ---


def layer_norm(x, weight, bias, eps):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias


def rms_norm(x, weight, eps):
    return weight * (x / np.sqrt((x**2).mean(-1, keepdims=True) + eps))


# --- attention on [head, pos, d_head]; returns what each query mixes, and the pattern ---


def attend(q, k, v, scale, window=None, softcap=None):
    n = q.shape[1]
    scores = q @ k.transpose(0, 2, 1) * scale
    if softcap is not None:
        scores = np.tanh(scores / softcap) * softcap
    i, j = np.arange(n)[:, None], np.arange(n)[None, :]
    seen = j <= i
    if window is not None:
        seen &= j > i - window
    pattern = softmax(np.where(seen, scores, -np.inf))
    return pattern @ v, pattern


def heads(x, n):
    """[pos, n * d_head] to [n, pos, d_head]"""
    return x.reshape(x.shape[0], n, -1).transpose(1, 0, 2)


def merged(x):
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


# --- rotary position embeddings: inverse frequencies and the factor of cos and sin ---


def rope_init(cfg, dim, theta):
    scaling = cfg.get("rope_parameters") or cfg.get("rope_scaling") or {}
    base = scaling.get("rope_theta", theta)
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    inv_freq = 1.0 / base ** (np.arange(0, dim, 2) / dim)
    limit = cfg["max_position_embeddings"]
    if kind == "default":
        return inv_freq, 1.0
    factor = scaling["factor"]
    if kind == "linear":
        return inv_freq / factor, 1.0
    if kind == "dynamic":
        length = max(len(TOKENS), limit)
        base = base * ((factor * length / limit) - (factor - 1)) ** (dim / (dim - 2))
        return 1.0 / base ** (np.arange(0, dim, 2) / dim), 1.0
    if kind == "llama3":
        old = scaling["original_max_position_embeddings"]
        low_wavelen = old / scaling["low_freq_factor"]
        high_wavelen = old / scaling["high_freq_factor"]
        out = []
        for f in inv_freq:
            wavelen = 2 * math.pi / f
            if wavelen < high_wavelen:
                out.append(f)
            elif wavelen > low_wavelen:
                out.append(f / factor)
            else:
                smooth = (old / wavelen - scaling["low_freq_factor"]) / (
                    scaling["high_freq_factor"] - scaling["low_freq_factor"]
                )
                out.append((1 - smooth) * f / factor + smooth * f)
        return np.array(out), 1.0
    assert kind == "yarn"
    old = scaling.get("original_max_position_embeddings") or limit

    def get_mscale(scale, mscale=1):
        return 1.0 if scale <= 1 else 0.1 * mscale * math.log(scale) + 1.0

    attention_factor = scaling.get("attention_factor")
    if attention_factor is None:
        mscale, mscale_all = scaling.get("mscale"), scaling.get("mscale_all_dim")
        if mscale and mscale_all:
            attention_factor = get_mscale(factor, mscale) / get_mscale(factor, mscale_all)
        else:
            attention_factor = get_mscale(factor)

    def correction_dim(rotations):
        return dim * math.log(old / (rotations * 2 * math.pi)) / (2 * math.log(base))

    low = correction_dim(scaling.get("beta_fast") or 32)
    high = correction_dim(scaling.get("beta_slow") or 1)
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001
    ramp = np.clip((np.arange(dim // 2) - low) / (high - low), 0, 1)
    extrapolation = 1 - ramp
    return inv_freq / factor * (1 - extrapolation) + inv_freq * extrapolation, attention_factor


def rotate_half(x):
    half = x.shape[-1] // 2
    return np.concatenate([-x[..., half:], x[..., :half]], -1)


def rope(x, inv_freq, factor):
    """The first 2 * len(inv_freq) entries of [head, pos, d_head] turned, the others as they are."""
    angles = np.arange(x.shape[1])[:, None] * inv_freq[None, :]
    emb = np.concatenate([angles, angles], -1)
    turned, passed = x[..., : emb.shape[-1]], x[..., emb.shape[-1] :]
    turned = turned * np.cos(emb) * factor + rotate_half(turned) * np.sin(emb) * factor
    return np.concatenate([turned, passed], -1)


# --- models: each gives the final residual stream, logits, and pattern and MLP activation of the last layer ---


def gpt2(cfg, w):
    n, d = len(TOKENS), cfg["n_embd"]
    eps = cfg.get("layer_norm_epsilon", 1e-5)
    act = ACT[cfg.get("activation_function", "gelu_new")]
    h = w["transformer.wte.weight"][TOKENS] + w["transformer.wpe.weight"][:n]

    def norm(name, x):
        return layer_norm(x, w[name + ".weight"], w[name + ".bias"], eps)

    def conv1d(name, x):
        return x @ w[name + ".weight"] + w[name + ".bias"]

    for layer in range(cfg["n_layer"]):
        at = f"transformer.h.{layer}."
        qkv = conv1d(at + "attn.c_attn", norm(at + "ln_1", h))
        q, k, v = (heads(x, cfg["n_head"]) for x in np.split(qkv, 3, -1))
        scale = q.shape[-1] ** -0.5 if cfg.get("scale_attn_weights", True) else 1.0
        if cfg.get("scale_attn_by_inverse_layer_idx", False):
            scale /= layer + 1
        mixed, pattern = attend(q, k, v, scale)
        h = h + conv1d(at + "attn.c_proj", merged(mixed))
        post = act(conv1d(at + "mlp.c_fc", norm(at + "ln_2", h)))
        h = h + conv1d(at + "mlp.c_proj", post)
    unembed = w["transformer.wte.weight"] if cfg.get("tie_word_embeddings", True) else w["lm_head.weight"]
    return h, norm("transformer.ln_f", h) @ unembed.T, pattern, post


def gpt_neox(cfg, w):
    eps = cfg.get("layer_norm_eps", 1e-5)
    act = ACT[cfg.get("hidden_act", "gelu")]
    n_heads = cfg["num_attention_heads"]
    size = cfg["hidden_size"] // n_heads
    fraction = (cfg.get("rope_parameters") or {}).get("partial_rotary_factor", cfg.get("rotary_pct", 0.25))
    inv_freq, factor = rope_init(cfg, int(size * fraction), cfg.get("rotary_emb_base", 10000))
    h = w["gpt_neox.embed_in.weight"][TOKENS]

    def norm(name, x):
        return layer_norm(x, w[name + ".weight"], w[name + ".bias"], eps)

    def linear(name, x):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    for layer in range(cfg["num_hidden_layers"]):
        at = f"gpt_neox.layers.{layer}."
        fused = linear(at + "attention.query_key_value", norm(at + "input_layernorm", h))
        fused = fused.reshape(len(TOKENS), n_heads, 3 * size)  # each head's query, key, value lie together
        q, k, v = (x.transpose(1, 0, 2) for x in np.split(fused, 3, -1))
        mixed, pattern = attend(rope(q, inv_freq, factor), rope(k, inv_freq, factor), v, size**-0.5)
        attn = linear(at + "attention.dense", merged(mixed))
        parallel = cfg.get("use_parallel_residual", True)
        read = h if parallel else h + attn
        post = act(linear(at + "mlp.dense_h_to_4h", norm(at + "post_attention_layernorm", read)))
        h = h + attn + linear(at + "mlp.dense_4h_to_h", post)
    return h, norm("gpt_neox.final_layer_norm", h) @ w["embed_out.weight"].T, pattern, post


def llama(cfg, w):
    """Llama, Mistral, Qwen2, Qwen3"""
    family = cfg["model_type"]
    eps = cfg.get("rms_norm_eps", 1e-6)
    act = ACT[cfg.get("hidden_act", "silu")]
    n_heads, n_kv = cfg["num_attention_heads"], cfg["num_key_value_heads"]
    size = cfg.get("head_dim") or cfg["hidden_size"] // n_heads
    inv_freq, factor = rope_init(cfg, size, cfg.get("rope_theta", 10000))
    h = w["model.embed_tokens.weight"][TOKENS]

    def linear(name, x):
        y = x @ w[name + ".weight"].T
        return y + w[name + ".bias"] if name + ".bias" in w else y

    def window(layer):
        if family == "mistral":
            return cfg.get("sliding_window", 4096)
        if family in ("qwen2", "qwen3") and cfg.get("use_sliding_window", False):
            kinds = cfg.get("layer_types") or [
                "sliding_attention" if i >= cfg.get("max_window_layers", 28) else "full_attention"
                for i in range(cfg["num_hidden_layers"])
            ]
            return cfg.get("sliding_window", 4096) if kinds[layer] == "sliding_attention" else None
        return None

    for layer in range(cfg["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        x = rms_norm(h, w[at + "input_layernorm.weight"], eps)
        q = heads(linear(at + "self_attn.q_proj", x), n_heads)
        k = heads(linear(at + "self_attn.k_proj", x), n_kv)
        v = heads(linear(at + "self_attn.v_proj", x), n_kv)
        if family == "qwen3":
            q = rms_norm(q, w[at + "self_attn.q_norm.weight"], eps)
            k = rms_norm(k, w[at + "self_attn.k_norm.weight"], eps)
        q, k = rope(q, inv_freq, factor), rope(k, inv_freq, factor)
        k, v = (np.repeat(x, n_heads // n_kv, axis=0) for x in (k, v))
        mixed, pattern = attend(q, k, v, size**-0.5, window(layer))
        h = h + linear(at + "self_attn.o_proj", merged(mixed))
        x = rms_norm(h, w[at + "post_attention_layernorm.weight"], eps)
        post = act(linear(at + "mlp.gate_proj", x)) * linear(at + "mlp.up_proj", x)
        h = h + linear(at + "mlp.down_proj", post)
    unembed = w["model.embed_tokens.weight"] if cfg.get("tie_word_embeddings", False) else w["lm_head.weight"]
    return h, rms_norm(h, w["model.norm.weight"], eps) @ unembed.T, pattern, post


def gemma(cfg, w):
    """Gemma 2, Gemma 3 (text), and the text model of Gemma 3 with images"""
    first = cfg["model_type"] == "gemma2"
    prefix = "model."
    if cfg["model_type"] == "gemma3":
        cfg, prefix = cfg["text_config"], "language_model.model."
    eps = cfg["rms_norm_eps"]
    act = ACT[cfg.get("hidden_activation", "gelu_pytorch_tanh")]
    n_heads, n_kv, size = cfg["num_attention_heads"], cfg["num_key_value_heads"], cfg["head_dim"]
    n_layers = cfg["num_hidden_layers"]
    every = 2 if first else cfg.get("sliding_window_pattern") or 6
    kinds = cfg.get("layer_types") or [
        "sliding_attention" if (i + 1) % every else "full_attention" for i in range(n_layers)
    ]
    if first:
        ropes = dict.fromkeys(kinds, rope_init(cfg, size, cfg.get("rope_theta", 10000)))
    elif "full_attention" in (cfg.get("rope_parameters") or {}):
        ropes = {
            kind: rope_init({**cfg, "rope_parameters": cfg["rope_parameters"][kind], "rope_scaling": None}, size, None)
            for kind in set(kinds)
        }
    else:
        local = {**cfg, "rope_scaling": None}
        ropes = {
            "full_attention": rope_init(cfg, size, cfg.get("rope_theta", 1000000)),
            "sliding_attention": rope_init(local, size, cfg.get("rope_local_base_freq", 10000)),
        }

    def norm(name, x):
        return rms_norm(x, 1 + w[prefix + name + ".weight"], eps)

    def linear(name, x):
        return x @ w[prefix + name + ".weight"].T

    h = w[prefix + "embed_tokens.weight"][TOKENS] * math.sqrt(cfg["hidden_size"])
    for layer in range(n_layers):
        at = f"layers.{layer}."
        x = norm(at + "input_layernorm", h)
        q = heads(linear(at + "self_attn.q_proj", x), n_heads)
        k = heads(linear(at + "self_attn.k_proj", x), n_kv)
        v = heads(linear(at + "self_attn.v_proj", x), n_kv)
        if not first:
            q, k = norm(at + "self_attn.q_norm", q), norm(at + "self_attn.k_norm", k)
        kind = kinds[layer]
        q, k = rope(q, *ropes[kind]), rope(k, *ropes[kind])
        k, v = (np.repeat(x, n_heads // n_kv, axis=0) for x in (k, v))
        scale = cfg["query_pre_attn_scalar"] ** -0.5
        window = cfg["sliding_window"] if kind == "sliding_attention" else None
        cap = cfg.get("attn_logit_softcapping", 50.0) if first else None
        mixed, pattern = attend(q, k, v, scale, window, cap)
        h = h + norm(at + "post_attention_layernorm", linear(at + "self_attn.o_proj", merged(mixed)))
        x = norm(at + "pre_feedforward_layernorm", h)
        post = act(linear(at + "mlp.gate_proj", x)) * linear(at + "mlp.up_proj", x)
        h = h + norm(at + "post_feedforward_layernorm", linear(at + "mlp.down_proj", post))
    unembed = w[prefix + "embed_tokens.weight"] if cfg.get("tie_word_embeddings", True) else w["lm_head.weight"]
    logits = norm("norm", h) @ unembed.T
    cap = cfg.get("final_logit_softcapping", 30.0 if first else None)
    if cap is not None:
        logits = np.tanh(logits / cap) * cap
    return h, logits, pattern, post


def transformer_lens(cfg, w):
    eps = cfg.get("eps", 1e-5)
    kind = cfg.get("normalization_type")
    n_heads, n_kv = cfg["n_heads"], cfg.get("n_key_value_heads") or cfg["n_heads"]
    act_name = cfg.get("act_fn")
    positions = cfg.get("positional_embedding_type", "standard")
    resid = w["embed.W_E"][TOKENS]
    if positions == "standard":
        resid = resid + w["pos_embed.W_pos"][: len(TOKENS)]

    def centred_unit(x):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)

    def rms_unit(x):
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)

    def norm(name, x):
        if kind == "LN":
            return centred_unit(x) * w[name + ".w"] + w[name + ".b"]
        if kind == "LNPre":
            return centred_unit(x)
        if kind == "RMS":
            return rms_unit(x) * w[name + ".w"]
        if kind == "RMSPre":
            return rms_unit(x)
        assert kind is None
        return x

    def apply_rotary(x):
        """[head, pos, d_head]"""
        dim = cfg.get("rotary_dim") or cfg["d_head"]
        freq = cfg.get("rotary_base", 10000) ** (np.arange(dim // 2) / (dim / 2))
        adjacent = cfg.get("rotary_adjacent_pairs", False)
        freq = np.repeat(freq, 2) if adjacent else np.tile(freq, 2)
        angles = np.arange(x.shape[1])[:, None] / freq[None, :]
        x_rot, x_pass = x[..., :dim], x[..., dim:]
        flip = x_rot.copy()
        if adjacent:
            flip[..., ::2], flip[..., 1::2] = -x_rot[..., 1::2], x_rot[..., ::2]
        else:
            half = dim // 2
            flip[..., :half], flip[..., half:] = -x_rot[..., half:], x_rot[..., :half]
        return np.concatenate([x_rot * np.cos(angles) + flip * np.sin(angles), x_pass], -1)

    def mlp(at, x):
        act = ACT[act_name]
        if cfg.get("gated_mlp"):
            post = act(x @ w[at + "W_gate"]) * (x @ w[at + "W_in"])
            # GatedMLP adds b_in behind the product.
            return post, (post + w[at + "b_in"]) @ w[at + "W_out"] + w[at + "b_out"]
        post = mid = act(x @ w[at + "W_in"] + w[at + "b_in"])
        if act_name == "solu_ln":
            # LayerNorm where normalization_type is LN, LayerNormPre otherwise.
            post = centred_unit(mid)
            if kind == "LN":
                post = post * w[at + "ln.w"] + w[at + "ln.b"]
        return mid, post @ w[at + "W_out"] + w[at + "b_out"]

    post = np.zeros((len(TOKENS), 0))
    for layer in range(cfg["n_layers"]):
        at = f"blocks.{layer}."
        attn = at + "attn."
        under = "_" if n_kv != n_heads else ""
        x = norm(at + "ln1", resid)
        q = np.einsum("pm,hmd->hpd", x, w[attn + "W_Q"]) + w[attn + "b_Q"][:, None]
        k = np.einsum("pm,hmd->hpd", x, w[attn + under + "W_K"]) + w[attn + under + "b_K"][:, None]
        v = np.einsum("pm,hmd->hpd", x, w[attn + under + "W_V"]) + w[attn + under + "b_V"][:, None]
        k, v = (np.repeat(y, n_heads // n_kv, axis=0) for y in (k, v))
        if positions == "rotary":
            q, k = apply_rotary(q), apply_rotary(k)
        attn_scale = 1.0
        if cfg.get("use_attn_scale", True):
            attn_scale = cfg.get("attn_scale", math.sqrt(cfg["d_head"]))
        if cfg.get("scale_attn_by_inverse_layer_idx", False):
            attn_scale *= layer + 1
        mixed, pattern = attend(q, k, v, 1 / attn_scale)
        attn_out = np.einsum("hpd,hdm->pm", mixed, w[attn + "W_O"]) + w[attn + "b_O"]
        if cfg.get("attn_only", False):
            resid = resid + attn_out
            continue
        read = resid if cfg.get("parallel_attn_mlp", False) else resid + attn_out
        post, mlp_out = mlp(at + "mlp.", norm(at + "ln2", read))
        resid = resid + attn_out + mlp_out
    logits = norm("ln_final", resid) @ w["unembed.W_U"] + w["unembed.b_U"]
    return resid, logits, pattern, post


MODELS = {
    "gpt2": gpt2,
    "gpt_neox": gpt_neox,
    "llama": llama,
    "mistral": llama,
    "qwen2": llama,
    "qwen3": llama,
    "gemma2": gemma,
    "gemma3": gemma,
    "gemma3_text": gemma,
    "transformer_lens": transformer_lens,
}


def rounded(x):
    return [float(f"{value:.13g}") for value in np.ravel(x)]


def main():
    cases = json.loads((HERE / "cases.json").read_text())
    rows = []
    with tempfile.TemporaryDirectory() as temp:
        subprocess.run(["node", HERE / "write-models.mjs", temp], check=True)
        for i, case in enumerate(cases):
            cfg, w = load(pathlib.Path(temp) / str(i))
            residual, logits, pattern, post = MODELS[cfg["model_type"]](cfg, w)
            rows.append(
                {
                    "residual": rounded(residual),
                    "last_logits": rounded(logits[-1]),
                    "last_pattern": rounded(pattern),
                    "last_post": rounded(post[-1]),
                }
            )
    lines = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in rows)
    tokens = json.dumps(TOKENS)
    (HERE / "golden.json").write_text(f'{{"tokens": {tokens}, "results": [\n{lines}\n]}}\n')
    subprocess.run(["npx", "biome", "format", "--write", HERE / "golden.json"], check=True, cwd=HERE)


main()
