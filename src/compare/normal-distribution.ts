/**
 * The standard normal distribution's upper tail and its inverse, to nearly the precision of doubles: the U test's approximation for
 * samples too large to count through.
 */

/** From here on the continued fraction converges faster than the series. */
const SERIES_BELOW = 3;
const SMALLEST_STEP = 1e-17;
const MOST_STEPS = 500;

/** P(Z > z). */
export function normalUpperTail(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  if (z < 0) return 1 - normalUpperTail(-z);
  if (z === Number.POSITIVE_INFINITY) return 0;
  return z < SERIES_BELOW ? 0.5 - density(z) * centralSeries(z) : density(z) * tailFraction(z);
}

/** The z that is exceeded with probability `tail`, 0 < tail < 1. */
export function normalUpperQuantile(tail: number): number {
  if (!(tail > 0 && tail < 1)) throw new RangeError(`no quantile for a tail of ${tail}`);
  let low = -40;
  let high = 40;
  for (let step = 0; step < 200 && high > low; step++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (normalUpperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function density(z: number): number {
  return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
}

/** (Φ(z) − ½) ÷ φ(z) = z + z³/3 + z⁵/(3·5) + … (Abramowitz and Stegun 26.2.11). */
function centralSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let step = 1; step < MOST_STEPS && term > SMALLEST_STEP * sum; step++) {
    term *= (z * z) / (2 * step + 1);
    sum += term;
  }
  return sum;
}

/** Q(z) ÷ φ(z) = 1/(z + 1/(z + 2/(z + 3/(z + …)))) (Abramowitz and Stegun 26.2.14), by Lentz's method. */
function tailFraction(z: number): number {
  let front = z;
  let ratio = z;
  let inverse = 0;
  for (let step = 1; step < MOST_STEPS; step++) {
    inverse = 1 / (z + step * inverse);
    ratio = z + step / ratio;
    const change = ratio * inverse;
    front *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return 1 / front;
}
