import { USAGE } from "./pool.ts";
import type { Traits } from "./traits.ts";

/** Threads that are looked at. */
const THREADS = 256;

/** Each thread writes its number in its subgroup, and how many these have. */
const SUBGROUPS = `enable subgroups;
@group(0) @binding(0) var<storage, read_write> seen: array<vec2<u32>>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(local_invocation_index) l: u32, @builtin(subgroup_invocation_id) own: u32, @builtin(subgroup_size) all: u32) {
  seen[l] = vec2<u32>(own, all);
}`;

/** Each thread widens four of the numbers of binary16 that are below its smallest normal one. */
const HALVES = `enable f16;
@group(0) @binding(0) var<storage, read_write> seen: array<vec4<f32>>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(local_invocation_index) l: u32) {
  let bits = vec4<u32>(4u * l, 4u * l + 1u, 4u * l + 2u, 4u * l + 3u);
  let words = vec2<u32>(bits.x | (bits.y << 16u), bits.z | (bits.w << 16u));
  seen[l] = vec4<f32>(bitcast<vec4<f16>>(words));
}`;

/**
 * What a device can beyond what all can, tried out: subgroups are of use where all have one size and hold threads that
 * follow each other, which WebGPU does not promise; 16-bit floats where the smallest are not taken for 0.
 */
export async function abilitiesOf(
  device: GPUDevice,
  { subgroupMinSize, subgroupMaxSize }: GPUAdapterInfo,
): Promise<Pick<Traits, "lanes" | "halves">> {
  const [size, halves] = await Promise.all([
    device.features.has("subgroups") && subgroupMinSize === subgroupMaxSize
      ? written(device, SUBGROUPS, 8).then(lanesIn)
      : 0,
    device.features.has("shader-f16") && written(device, HALVES, 16).then(areWidened),
  ]);
  return { lanes: size, halves };
}

/** The size of subgroups, where threads are in them one after the other; else 0. */
function lanesIn(bytes: ArrayBuffer): number {
  const seen = new Uint32Array(bytes);
  const size = seen[1] ?? 0;
  const isPower = size > 1 && THREADS % size === 0;
  for (let thread = 0; thread < THREADS && isPower; thread++) {
    if (seen[2 * thread] !== thread % size || seen[2 * thread + 1] !== size) return 0;
  }
  return isPower ? size : 0;
}

function areWidened(bytes: ArrayBuffer): boolean {
  return new Float32Array(bytes).every((x, i) => x === i * 2 ** -24);
}

/** What a kernel of one workgroup writes, so many bytes a thread. */
async function written(device: GPUDevice, code: string, bytes: number): Promise<ArrayBuffer> {
  const size = THREADS * bytes;
  const module = device.createShaderModule({ code });
  const [pipeline, seen, back] = [
    await device.createComputePipelineAsync({ layout: "auto", compute: { module } }),
    device.createBuffer({ size, usage: USAGE.storage | USAGE.copySource }),
    device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget }),
  ];
  try {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = [{ binding: 0, resource: { buffer: seen } }];
    pass.setBindGroup(
      0,
      device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }),
    );
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(seen, 0, back, 0, size);
    device.queue.submit([encoder.finish()]);
    await back.mapAsync(1); // GPUMapMode.READ
    return back.getMappedRange().slice(0);
  } finally {
    seen.destroy();
    back.destroy();
  }
}
