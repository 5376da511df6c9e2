import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Tensor } from "../tensor/tensor.ts";

/** Mean and covariance of samples. */
export interface Gaussian {
  readonly mean: readonly number[];
  readonly covariance: Matrix;
}

/** Every spatial position of every picture a sample: features f32 [B, C, h, w] → Gaussian over C. At least two positions. */
export function positionGaussian({ shape, data }: Tensor): Gaussian {
  const [batch, channels, height, width] = shape as [number, number, number, number];
  const area = height * width;
  const samples = new Matrix(batch * area, channels);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < area; i++) samples.set(b * area + i, c, data[(b * channels + c) * area + i] as number);
    }
  }
  return gaussianOf(samples);
}

/** Each vector a sample, all of one length, at least two. */
export const vectorGaussian = (vectors: readonly ArrayLike<number>[]): Gaussian =>
  gaussianOf(new Matrix(vectors.map((vector) => Array.from(vector))));

/** Covariance divided by N − 1, as numpy.cov. @throws Error for fewer than two samples */
function gaussianOf(samples: Matrix): Gaussian {
  const { rows } = samples;
  if (rows < 2) throw new Error(`frechet distance: needs two samples or more, got ${rows}`);
  const mean = samples.mean("column");
  const centred = samples.clone().subRowVector(mean);
  return {
    mean,
    covariance: centred
      .transpose()
      .mmul(centred)
      .div(rows - 1),
  };
}

/** Fréchet distance of two Gaussians, ‖m₁ − m₂‖² + tr(S₁ + S₂ − 2 (S₁ S₂)^½) (Dowson & Landau 1982; Heusel et al. 2017), ≥ 0.
 * tr (S₁ S₂)^½ = Σ √λ of the symmetric S₁^½ S₂ S₁^½, so nothing complex appears and singular covariances need no padding:
 * a small picture has fewer positions than channels. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  if (a.mean.length !== b.mean.length) {
    throw new Error(`frechet distance: ${a.mean.length} and ${b.mean.length} features do not compare`);
  }
  const shift = a.mean.reduce((sum, m, i) => sum + (m - (b.mean[i] as number)) ** 2, 0);
  const root = squareRoot(a.covariance);
  const trace = eigenvaluesOf(symmetric(root.mmul(b.covariance).mmul(root))).reduce((sum, l) => sum + rootOf(l), 0);
  return Math.max(0, shift + a.covariance.trace() + b.covariance.trace() - 2 * trace);
}

/** Rounding leaves eigenvalues of a singular matrix a little below zero. */
const rootOf = (eigenvalue: number): number => Math.sqrt(Math.max(0, eigenvalue));

const symmetric = (m: Matrix): Matrix => Matrix.add(m, m.transpose()).div(2);

const decompose = (m: Matrix): EigenvalueDecomposition => new EigenvalueDecomposition(m, { assumeSymmetric: true });

const eigenvaluesOf = (m: Matrix): readonly number[] => decompose(m).realEigenvalues;

/** V √Λ Vᵀ of a symmetric positive semi-definite matrix. */
function squareRoot(m: Matrix): Matrix {
  const { eigenvectorMatrix: vectors, realEigenvalues } = decompose(m);
  return vectors.clone().mulRowVector(realEigenvalues.map(rootOf)).mmul(vectors.transpose());
}
