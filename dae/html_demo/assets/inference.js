// Runs a model: the list of operations that dae/html_demo/program.py derives from its exported graph.
// Tensors are Float32Arrays in row-major order. Each operation becomes a function without arguments; buffers are
// allocated once, sums are computed in double precision.

const elements = (shape) => shape.reduce((product, side) => product * side, 1)

// Returns a function from the pixels of one image to those of the denoised image. It reuses its result.
function compileProgram({ shape, operations, output }, constants) {
  const values = [new Float32Array(elements(shape))]
  const steps = operations.map((operation) => {
    const inputs = operation.inputs.map((index) => index < 0 ? constants[-1 - index] : values[index])
    values.push(new Float32Array(elements(operation.shape)))
    return OPERATIONS[operation.kind](operation, inputs, values.at(-1))
  })
  return (pixels) => {
    values[0].set(pixels)
    for (const step of steps) step()
    return values[output]
  }
}

const UNARY = {
  abs: Math.abs,
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  elu: (x, alpha) => x > 0 ? x : alpha * Math.expm1(x),
  exp: Math.exp,
  leaky_relu: (x, slope) => x > 0 ? x : slope * x,
  log: Math.log,
  neg: (x) => -x,
  pow: (x, exponent) => x ** exponent,
  relu: (x) => x > 0 ? x : 0,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  softplus: (x, beta, threshold) => x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
}

const BINARY = {
  add: (x, y) => x + y,
  div: (x, y) => x / y,
  maximum: Math.max,
  minimum: Math.min,
  mul: (x, y) => x * y,
  sub: (x, y) => x - y,
}

const OPERATIONS = {
  unary({ name, parameters }, [input], output) {
    const compute = UNARY[name]
    const [a, b] = parameters
    return () => { for (let i = 0; i < output.length; i++) output[i] = compute(input[i], a, b) }
  },

  // Elementwise, with the broadcasting of PyTorch.
  binary({ name, shapes, shape }, [x, y], output) {
    const compute = BINARY[name]
    const [xs, ys] = shapes.map((from) => broadcastIndices(from, shape))
    return () => { for (let i = 0; i < output.length; i++) output[i] = compute(x[xs[i]], y[ys[i]]) }
  },

  // Any movement of elements: slicing, padding, transposing, pixel shuffling. Index -1 stands for the fill value.
  gather({ index, fill }, [input], output) {
    const source = new Int32Array(decodeBase64(index).buffer)
    return () => { for (let i = 0; i < output.length; i++) output[i] = source[i] < 0 ? fill : input[source[i]] }
  },

  concat({ shapes, dim }, inputs, output) {
    const chunks = shapes.map((shape) => elements(shape.slice(dim)))
    const stride = chunks.reduce((sum, chunk) => sum + chunk, 0)
    return () => {
      let start = 0
      inputs.forEach((input, part) => {
        const chunk = chunks[part]
        for (let from = 0, to = start; from < input.length; from += chunk, to += stride) {
          output.set(input.subarray(from, from + chunk), to)
        }
        start += chunk
      })
    }
  },

  // Sum or mean over the last elements.
  reduce({ mean }, [input], output) {
    const count = input.length / output.length
    return () => {
      for (let i = 0, from = 0; i < output.length; i++) {
        let sum = 0
        for (const end = from + count; from < end; from++) sum += input[from]
        output[i] = mean ? sum / count : sum
      }
    }
  },

  // Weights (out, in); one output row for each row of the input.
  linear({ shapes: [, [outputs, inputs]] }, [input, weight, bias], output) {
    return () => {
      for (let row = 0, to = 0; to < output.length; row += inputs) {
        for (let o = 0, w = 0; o < outputs; o++, to++) {
          let even = bias ? bias[o] : 0, odd = 0, i = row
          for (const end = row + inputs - 1; i < end; i += 2, w += 2) {
            even += input[i] * weight[w]
            odd += input[i + 1] * weight[w + 1]
          }
          if (i < row + inputs) even += input[i] * weight[w++]
          output[to] = even + odd
        }
      }
    }
  },

  maxPool({ shapes: [[, channels, height, width]], shape: [, , rows, columns], kernel, stride, padding }, [input], output) {
    return () => {
      for (let c = 0, to = 0; c < channels; c++) {
        for (let y = 0; y < rows; y++) {
          const top = y * stride[0] - padding[0]
          for (let x = 0; x < columns; x++, to++) {
            const left = x * stride[1] - padding[1]
            let best = -Infinity
            for (let i = Math.max(top, 0); i < Math.min(top + kernel[0], height); i++) {
              for (let j = Math.max(left, 0); j < Math.min(left + kernel[1], width); j++) {
                const value = input[(c * height + i) * width + j]
                if (value > best) best = value
              }
            }
            output[to] = best
          }
        }
      }
    }
  },

  convolution,
}

// Index into a tensor of shape `from` for each element of shape `to`.
function broadcastIndices(from, to) {
  const indices = new Int32Array(elements(to))
  let step = 1, block = 1
  for (let axis = to.length - 1, source = from.length - 1; axis >= 0; axis--, source--) {
    if (source >= 0 && from[source] > 1) {
      for (let i = 0; i < indices.length; i++) indices[i] += Math.floor(i / block) % to[axis] * step
      step *= from[source]
    }
    block *= to[axis]
  }
  return indices
}

function decodeBase64(text) {
  const characters = atob(text)
  return Uint8Array.from({ length: characters.length }, (_, i) => characters.charCodeAt(i))
}

// IEEE half precision to single.
function decodeHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

// The constants of a program, from two base64 strings.
function decodeConstants({ constants, half, single }) {
  const halves = Float32Array.from(new Uint16Array(decodeBase64(half).buffer), decodeHalf)
  const singles = new Float32Array(decodeBase64(single).buffer)
  let fromHalves = 0, fromSingles = 0
  return constants.map(({ size, isHalf }) => isHalf
    ? halves.subarray(fromHalves, fromHalves += size)
    : singles.subarray(fromSingles, fromSingles += size))
}
