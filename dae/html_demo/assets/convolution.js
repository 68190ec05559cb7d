// Direct convolution, also strided, dilated and transposed. A transposed convolution with stride s is a set of ordinary
// convolutions, one for each remainder of the output coordinates by s.

// Output pixels and output channels that are computed together, in registers.
const TILE_CHANNELS = 4

// Returns the parts of one axis: output positions start, start + step, ...; position number n reads the input at
// n * inputStep + offset, for each tap [kernel index, offset].
function axisParts(outputs, kernel, stride, padding, dilation, transposed) {
  const indices = [...Array(kernel).keys()]
  if (!transposed) {
    const taps = indices.map((k) => [k, k * dilation - padding])
    return [{ start: 0, step: 1, count: outputs, inputStep: stride, taps }]
  }
  return [...Array(Math.min(stride, outputs)).keys()].map((start) => ({
    start,
    step: stride,
    count: Math.ceil((outputs - start) / stride),
    inputStep: 1,
    taps: indices.map((k) => [k, (start + padding - k * dilation) / stride]).filter(([, offset]) => Number.isInteger(offset)),
  }))
}

// Returns the number of zeros that the parts read before and after the input.
function margins(parts, size) {
  let before = 0, after = 0
  for (const { count, inputStep, taps } of parts) {
    for (const [, offset] of taps) {
      before = Math.max(before, -offset)
      after = Math.max(after, (count - 1) * inputStep + offset - size + 1)
    }
  }
  return [before, after]
}

function convolution({ shapes, shape, stride, padding, dilation, transposed }, [input, weight, bias], output) {
  const [[, channels, height, width], [first, second, kernelHeight, kernelWidth]] = shapes
  const [, outputs, rows, columns] = shape
  const vertical = axisParts(rows, kernelHeight, stride[0], padding[0], dilation[0], transposed)
  const horizontal = axisParts(columns, kernelWidth, stride[1], padding[1], dilation[1], transposed)
  const [top, bottom] = margins(vertical, height), [left, right] = margins(horizontal, width)
  const paddedWidth = left + width + right, area = (top + height + bottom) * paddedWidth
  // The second pixel of a pair may lie beyond the last one.
  const padded = new Float64Array(channels * area + stride[1])
  const channelStride = transposed ? [second, 1] : [1, second]

  const parts = vertical.flatMap((y) => horizontal.map((x) => {
    const taps = channels * y.taps.length * x.taps.length
    const offsets = new Int32Array(taps)
    const weights = new Float64Array(Math.ceil(outputs / TILE_CHANNELS) * TILE_CHANNELS * taps)
    let tap = 0
    for (let c = 0; c < channels; c++) {
      for (const [i, down] of y.taps) {
        for (const [j, across] of x.taps) {
          offsets[tap] = c * area + (top + down) * paddedWidth + left + across
          for (let o = 0; o < outputs; o++) {
            const from = ((o * channelStride[1] + c * channelStride[0]) * kernelHeight + i) * kernelWidth + j
            const block = Math.floor(o / TILE_CHANNELS)
            weights[(block * taps + tap) * TILE_CHANNELS + o % TILE_CHANNELS] = weight[from]
          }
          tap++
        }
      }
    }
    return { y, x, offsets, weights }
  }))

  return () => {
    for (let c = 0; c < channels; c++) {
      for (let row = 0; row < height; row++) {
        const from = (c * height + row) * width
        padded.set(input.subarray(from, from + width), c * area + (top + row) * paddedWidth + left)
      }
    }
    for (const { y, x, offsets, weights } of parts) {
      for (let o = 0; o < outputs; o += TILE_CHANNELS) {
        for (let row = 0; row < y.count; row++) {
          convolveRow(padded, row * y.inputStep * paddedWidth, x, offsets, weights, o, bias, output,
            rows * columns, (y.start + row * y.step) * columns + x.start, outputs)
        }
      }
    }
  }
}

// Computes one row of four output channels from `first` on, two pixels at a time.
function convolveRow(padded, base, { count, inputStep, step }, offsets, weights, first, bias, output, plane, to, outputs) {
  const taps = offsets.length, start = first * taps
  const b0 = bias ? bias[first] : 0, b1 = bias && first + 1 < outputs ? bias[first + 1] : 0
  const b2 = bias && first + 2 < outputs ? bias[first + 2] : 0, b3 = bias && first + 3 < outputs ? bias[first + 3] : 0
  for (let x = 0; x < count; x += 2) {
    let p0 = b0, p1 = b1, p2 = b2, p3 = b3, q0 = b0, q1 = b1, q2 = b2, q3 = b3
    const from = base + x * inputStep
    for (let tap = 0, w = start; tap < taps; tap++, w += 4) {
      const at = from + offsets[tap]
      const p = padded[at], q = padded[at + inputStep]
      const w0 = weights[w], w1 = weights[w + 1], w2 = weights[w + 2], w3 = weights[w + 3]
      p0 += p * w0
      p1 += p * w1
      p2 += p * w2
      p3 += p * w3
      q0 += q * w0
      q1 += q * w1
      q2 += q * w2
      q3 += q * w3
    }
    const i = first * plane + to + x * step, isPair = x + 1 < count
    output[i] = p0
    if (isPair) output[i + step] = q0
    if (first + 1 < outputs) {
      output[i + plane] = p1
      if (isPair) output[i + plane + step] = q1
    }
    if (first + 2 < outputs) {
      output[i + 2 * plane] = p2
      if (isPair) output[i + 2 * plane + step] = q2
    }
    if (first + 3 < outputs) {
      output[i + 3 * plane] = p3
      if (isPair) output[i + 3 * plane + step] = q3
    }
  }
}
