/**
 * The grey level that best parts dark from light (Otsu, "A threshold selection method from gray-level histograms",
 * 1979). Values up to it are dark. `contrast` is the difference of the two means.
 */
export function otsu(histogram: Uint32Array): { threshold: number; contrast: number } {
  let total = 0;
  let sum = 0;
  for (let i = 0; i < 256; i++) {
    total += histogram[i] ?? 0;
    sum += i * (histogram[i] ?? 0);
  }
  let dark = 0;
  let darkSum = 0;
  let best = -1;
  let threshold = 127;
  let contrast = 0;
  for (let i = 0; i < 255; i++) {
    dark += histogram[i] ?? 0;
    darkSum += i * (histogram[i] ?? 0);
    const light = total - dark;
    if (dark === 0 || light === 0) continue;
    const difference = (sum - darkSum) / light - darkSum / dark;
    const between = dark * light * difference * difference;
    if (between > best) {
      best = between;
      threshold = i;
      contrast = difference;
    }
  }
  return { threshold, contrast };
}

export function histogramOf(data: Uint8Array): Uint32Array {
  const histogram = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    histogram[value] = (histogram[value] ?? 0) + 1;
  }
  return histogram;
}
