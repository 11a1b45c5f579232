/**
 * The names under which a system's BLAS may be loaded, best first: the dynamic linker looks them up in its own
 * places (`ldconfig -p`, `LD_LIBRARY_PATH`), which is also where Debian's update-alternatives point.
 */
export function libraryNames(platform: string): readonly string[] {
  switch (platform) {
    case "darwin":
      return [
        // Found without a file of that name: the system keeps its frameworks in one cache.
        "/System/Library/Frameworks/Accelerate.framework/Accelerate",
        "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
        "/usr/local/opt/openblas/lib/libopenblas.dylib",
      ];
    case "win32":
      return ["libopenblas.dll", "openblas.dll", "mkl_rt.2.dll"];
    default:
      return [
        "libopenblas.so.0",
        "libopenblas.so.3", // Alpine
        "libopenblas64.so.0",
        "libopenblas64_.so.0", // Fedora
        "libmkl_rt.so.2",
        "libmkl_rt.so.1",
        "libmkl_rt.so",
        "libblis.so.4",
        "libblis.so.3",
        "libflexiblas.so.3",
        "libblas.so.3",
      ];
  }
}

/** The names under which LAPACK may be loaded where the BLAS does not bring it. */
export function lapackNames(platform: string): readonly string[] {
  return platform === "linux" ? ["liblapack.so.3"] : [];
}

/** How to come by a fast BLAS where none was found. */
export function howToInstall(platform: string): string {
  switch (platform) {
    case "darwin":
      return "macOS has one built in (Accelerate).";
    case "win32":
      return "Put libopenblas.dll on the PATH, or give its path.";
    default:
      return "Install OpenBLAS: apt install libopenblas0 (Debian, Ubuntu), dnf install openblas (Fedora), apk add openblas (Alpine), pacman -S openblas (Arch).";
  }
}
