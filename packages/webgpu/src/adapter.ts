import { InputError } from "@resolvent/tensor";
import { abilitiesOf } from "./abilities.ts";
import type { Traits } from "./traits.ts";
import { vulkanDrivers } from "./vulkan.ts";

/** What a device is, as far as it says. */
export interface AdapterReport {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Whether it computes on the processor, slowly: a stand-in for a GPU. */
  readonly software: boolean;
  /** Bytes of the largest buffer that kernels see; larger tensors lie in several. */
  readonly largestBuffer: number;
  /** Threads of a subgroup, where kernels use these: 0 where they do not. */
  readonly subgroup: number;
  /** Whether kernels use the device's own 16-bit floats, to widen what is kept so. */
  readonly halves: boolean;
}

/** A device that computes. */
export interface Opened extends Pick<Traits, "lanes" | "halves"> {
  readonly device: GPUDevice;
  readonly adapter: AdapterReport;
  /** Kept, because the package for Node ends a device whose source is not held. */
  readonly gpu: GPU;
}

/** What is used where an adapter has it. */
const FEATURES = ["subgroups", "shader-f16"] as const;

/** Limits that kernels are written for, and that adapters below WebGPU's core (of the compatibility mode) may not have. */
const NEEDED = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16384,
  maxStorageBuffersPerShaderStage: 8,
} as const;

/** Limits that are asked for as high as the adapter has them. */
const HIGH = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
] as const;

/**
 * The device of an adapter.
 *
 * @throws InputError `webgpu/no-webgpu`, `webgpu/no-adapter`, `webgpu/missing-limits`, `webgpu/no-device`
 */
export async function openDevice(
  given: GPU | undefined,
  powerPreference: "high-performance" | "low-power",
): Promise<Opened> {
  const gpu = given ?? (await platformGpu());
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (adapter === null) throw noAdapter("There is WebGPU, but no adapter.");
  const { info, limits } = adapter;
  checkLimits(limits);
  try {
    const requiredLimits = Object.fromEntries(HIGH.map((name) => [name, limits[name]]));
    const requiredFeatures = FEATURES.filter((name) => adapter.features.has(name));
    const device = await adapter.requestDevice({ requiredLimits, requiredFeatures });
    const can = await abilitiesOf(device, info);
    return { device, gpu, ...can, adapter: reportOf(info, device, can) };
  } catch (cause) {
    throw new InputError({
      code: "webgpu/no-device",
      message: `The adapter gives no device: ${cause instanceof Error ? cause.message : cause}`,
      remedy: "Close other programs that use the GPU, or use the cpu engine.",
      cause,
    });
  }
}

function noAdapter(message: string): InputError {
  return new InputError({
    code: "webgpu/no-adapter",
    message,
    remedy:
      "Install a graphics driver (in Node one for Vulkan, Metal or Direct3D 12), or use the cpu engine.",
  });
}

/** @throws InputError `webgpu/missing-limits` */
function checkLimits(limits: GPUSupportedLimits): void {
  for (const [name, needed] of Object.entries(NEEDED) as [keyof typeof NEEDED, number][]) {
    const got = limits[name];
    if (got >= needed) continue;
    throw new InputError({
      code: "webgpu/missing-limits",
      message: `The adapter's ${name} is ${got}, and the webgpu engine needs ${needed}.`,
      remedy: "Use another adapter or driver, or the cpu engine.",
      details: { name, got, needed },
    });
  }
}

function reportOf(
  info: GPUAdapterInfo,
  { limits }: GPUDevice,
  { lanes, halves }: Pick<Traits, "lanes" | "halves">,
): AdapterReport {
  const { vendor, architecture, device, description } = info;
  const names = `${vendor} ${architecture} ${description}`;
  return {
    ...{ vendor, architecture, device, description },
    software: info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe/i.test(names),
    ...{ subgroup: lanes, halves },
    largestBuffer: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  };
}

/** Throws where Dawn would find no driver, and say so on stderr whether anybody wants to know or not. */
function checkDrivers(): void {
  if (process.platform !== "linux") return;
  const fs = process.getBuiltinModule("node:fs");
  const found = vulkanDrivers({
    env: process.env,
    filesOf: (folder) => {
      try {
        return fs.readdirSync(folder);
      } catch {
        return []; // there is none, or none that may be read
      }
    },
    isFile: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
  });
  if (found.length === 0) throw noAdapter("There is no Vulkan driver on this machine.");
}

/**
 * The browser's WebGPU, or that of the package `webgpu` in Node.
 *
 * @throws InputError `webgpu/no-webgpu`, `webgpu/no-adapter`
 */
export async function platformGpu(): Promise<GPU> {
  const { navigator } = globalThis as { navigator?: { readonly gpu?: GPU } };
  if (navigator?.gpu !== undefined) return navigator.gpu;
  const inNode = typeof process === "object" && typeof process.versions?.node === "string";
  if (!inNode) {
    throw new InputError({
      code: "webgpu/no-webgpu",
      message: "This browser has no WebGPU, or the page is not served securely.",
      remedy: "Use https or localhost and a current browser, or the cpu engine.",
    });
  }
  checkDrivers();
  try {
    // The name is not written out, so that no bundler looks for a package that browsers do not need.
    const name = "webgpu";
    const { create } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as {
      readonly create: (flags: readonly string[]) => GPU;
    };
    return create([]);
  } catch (cause) {
    throw new InputError({
      code: "webgpu/no-webgpu",
      message: `Node has no WebGPU of its own, and the package webgpu cannot be loaded: ${cause instanceof Error ? cause.message : cause}`,
      remedy: "Install it (npm install webgpu), or use the cpu engine.",
      cause,
    });
  }
}
