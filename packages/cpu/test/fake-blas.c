/* A BLAS in plain loops. WRONG: it forgets to transpose the right side. CORE: it says which processor it takes
   this one for, which the environment may correct while it is loaded, as with OpenBLAS. */
#include <stdint.h>
#include <stdlib.h>

#ifdef WRONG
#define RIGHT_TRANSPOSED(tb) 0
#else
#define RIGHT_TRANSPOSED(tb) ((tb) == 112)
#endif

#define GEMM(name, real)                                                                          \
  void name(int order, int ta, int tb, int m, int n, int k, real alpha, const real *a, int lda,   \
            const real *b, int ldb, real beta, real *c, int ldc) {                                \
    for (int i = 0; i < m; i++)                                                                   \
      for (int j = 0; j < n; j++) {                                                               \
        real sum = 0;                                                                             \
        for (int p = 0; p < k; p++)                                                               \
          sum += (ta == 112 ? a[(int64_t)p * lda + i] : a[(int64_t)i * lda + p]) *                \
                 (RIGHT_TRANSPOSED(tb) ? b[(int64_t)j * ldb + p] : b[(int64_t)p * ldb + j]);      \
        real *to = c + (int64_t)i * ldc + j;                                                      \
        *to = alpha * sum + (beta == 0 ? 0 : beta * *to);                                         \
      }                                                                                           \
  }

#define GEMV(name, real)                                                                          \
  void name(int order, int ta, int m, int n, real alpha, const real *a, int lda, const real *x,   \
            int incx, real beta, real *y, int incy) {                                             \
    int rows = ta == 112 ? n : m, terms = ta == 112 ? m : n;                                      \
    for (int i = 0; i < rows; i++) {                                                              \
      real sum = 0;                                                                               \
      for (int p = 0; p < terms; p++)                                                             \
        sum += (ta == 112 ? a[(int64_t)p * lda + i] : a[(int64_t)i * lda + p]) *                  \
               x[(int64_t)p * incx];                                                              \
      real *to = y + (int64_t)i * incy;                                                           \
      *to = alpha * sum + (beta == 0 ? 0 : beta * *to);                                           \
    }                                                                                             \
  }

GEMM(cblas_sgemm, float)
GEMM(cblas_dgemm, double)
GEMV(cblas_sgemv, float)
GEMV(cblas_dgemv, double)

#ifdef CORE
#define TEXT(x) #x
#define NAME(x) TEXT(x)
static const char *core = NAME(CORE);
__attribute__((constructor)) static void choose(void) {
  const char *told = getenv("OPENBLAS_CORETYPE");
  if (told) core = told;
}
const char *openblas_get_corename(void) { return core; }
#endif
