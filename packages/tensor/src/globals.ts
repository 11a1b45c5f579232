// What our declarations name of the platform, so that they are read without TypeScript's library "DOM" and without
// @types/node. Where one of them is there, it says what these are: empty interfaces add nothing to it.
declare global {
  interface AbortSignal {}
  interface Blob {}
  interface FileSystemDirectoryHandle {}
  interface GPU {}
  interface GPUBindGroupLayout {}
  interface GPUBuffer {}
  interface GPUComputePipeline {}
  interface GPUDevice {}
  interface Headers {}
  interface RequestInit {}
  interface Response {}
  interface URL {}
  namespace WebAssembly {
    interface Memory {}
    interface Module {}
  }
}

export {};
