// Functions that kernels call, in WGSL, each with those it calls itself. The built-in exp and log may be wrong by
// several units in the last place, more for large arguments: these are right to about two on every adapter.

const NAN = `fn is_nan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }`;

const EXP = `fn exp_(given: f32) -> f32 {
  let x = clamp(given, -104.0, 89.0);
  let n = round(x * 1.4426950408889634);
  var r = x - n * 0.693359375;
  r = r - n * -2.12194440e-4;
  var y = 1.381446685e-03;
  y = y * r + 8.368780418e-03;
  y = y * r + 4.166839422e-02;
  y = y * r + 1.666652011e-01;
  y = y * r + 4.999999341e-01;
  y = (y * (r * r) + r) + 1.0;
  // In two factors, because 2^n alone leaves the range at both ends.
  let half = floor(n * 0.5);
  let a = bitcast<f32>(u32(i32(half) + 127) << 23u);
  let b = bitcast<f32>(u32(i32(n - half) + 127) << 23u);
  return select((y * a) * b, given, is_nan(given));
}`;

const LOG = `fn log_(x: f32) -> f32 {
  let tiny = x < 1.17549435e-38;
  let scaled = select(x, x * 33554432.0, tiny);
  let bits = bitcast<i32>(scaled) - 0x3f3504f3;
  let k = f32(bits >> 23u) - select(0.0, 25.0, tiny);
  let f = bitcast<f32>((bits & 0x007fffff) + 0x3f3504f3) - 1.0;
  let s = f / (f + 2.0);
  let z = s * s;
  var r = 0.24279078841;
  r = r * z + 0.28498786688;
  r = r * z + 0.40000972152;
  r = (r * z + 0.66666662693) * z;
  let h = f * f * 0.5;
  var y = k * 9.0580006145e-6 + s * (h + r);
  y = k * 6.9313812256e-1 + (f - (h - y));
  let word = bitcast<u32>(x);
  y = select(y, bitcast<f32>(0xff800000u | (word & 0x7fffffffu)), x == 0.0);
  // NaN below zero, and of NaN; infinity of itself.
  y = select(y, bitcast<f32>(word | 0x7fc00000u), x < 0.0);
  return select(y, x, (word & 0x7f800000u) == 0x7f800000u && (word & 0x807fffffu) != 0x80000000u);
}`;

const SIGMOID = `fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp_(-x)); }`;

// The rational function of Eigen's generic_fast_erf on |x| <= 4, error below 1e-7.
const GELU = `fn gelu_gate(given: f32) -> f32 {
  let x = clamp(given * 0.7071067811865476, -4.0, 4.0);
  let z = x * x;
  var p = -2.72614225801306e-10;
  p = p * z + 2.77068142495902e-8;
  p = p * z - 2.10102402082508e-6;
  p = p * z - 5.69250639462346e-5;
  p = p * z - 7.34990630326855e-4;
  p = p * z - 2.95459980854025e-3;
  p = p * z - 1.60960333262415e-2;
  var q = -1.45660718464996e-5;
  q = q * z - 2.13374055278905e-4;
  q = q * z - 1.68282697438203e-3;
  q = q * z - 7.37332916720468e-3;
  q = q * z - 1.42647390514189e-2;
  return select(0.5 + 0.5 * (x * p / q), given, is_nan(given));
}`;

// Every 16-bit number is a float32; denormal ones of binary16 are not denormal there.
const BF16 = `fn wide_bf16(h: u32) -> f32 { return bitcast<f32>(h << 16u); }`;
const F16 = `fn wide_f16(h: u32) -> f32 {
  let sign = (h & 0x8000u) << 16u;
  let size = h & 0x7fffu;
  let normal = (size << 13u) + select(0x38000000u, 0x70000000u, size >= 0x7c00u);
  let small = bitcast<u32>(f32(size) * 5.9604644775390625e-8);
  return bitcast<f32>(sign | select(normal, small, size < 0x400u));
}`;

/** The same where the device widens 16-bit floats itself. */
const OWN_F16 = `fn wide_f16(h: u32) -> f32 { return f32(bitcast<vec2<f16>>(h).x); }`;

/** Four numbers in two words. */
const fours = (form: "bf16" | "f16"): string =>
  `fn fours_${form}(w: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(wide_${form}(w.x & 0xffffu), wide_${form}(w.x >> 16u), wide_${form}(w.y & 0xffffu), wide_${form}(w.y >> 16u));
}`;
const OWN_FOURS_F16 = `fn fours_f16(w: vec2<u32>) -> vec4<f32> { return vec4<f32>(bitcast<vec4<f16>>(w)); }`;

export type FunctionName =
  | "is_nan"
  | "exp_"
  | "log_"
  | "sigmoid"
  | "gelu_gate"
  | "wide_bf16"
  | "wide_f16"
  | "fours_bf16"
  | "fours_f16";

/** Each function's text, and the functions that it calls. */
const functions: Readonly<Record<FunctionName, readonly [string, readonly FunctionName[]]>> = {
  is_nan: [NAN, []],
  exp_: [EXP, ["is_nan"]],
  log_: [LOG, []],
  sigmoid: [SIGMOID, ["exp_"]],
  gelu_gate: [GELU, ["is_nan"]],
  wide_bf16: [BF16, []],
  wide_f16: [F16, []],
  fours_bf16: [fours("bf16"), ["wide_bf16"]],
  fours_f16: [fours("f16"), ["wide_f16"]],
};

/** What takes their place where the device has 16-bit floats. */
const own: Partial<typeof functions> = { wide_f16: [OWN_F16, []], fours_f16: [OWN_FOURS_F16, []] };

/**
 * The text of some functions and of those that they call, each once.
 *
 * @param halves whether the device has 16-bit floats
 */
export function functionTexts(names: Iterable<FunctionName>, halves: boolean): string {
  const found = new Map<FunctionName, string>();
  const add = (name: FunctionName): void => {
    const [text, calls] = (halves ? own[name] : undefined) ?? functions[name];
    calls.forEach(add);
    found.set(name, text);
  };
  for (const name of names) add(name);
  return [...found.values()].join("\n");
}
