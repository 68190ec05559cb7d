// The kinds of noise of dae/noise/kinds.py but camera, and the PSNR.

// Returns a generator of uniform numbers in [0, 1): mulberry32, with 32 bits of state.
function makeRandom(seed) {
  let state = seed >>> 0
  return () => {
    state = state + 0x6d2b79f5 >>> 0
    let mixed = Math.imul(state ^ state >>> 15, state | 1)
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)
    return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296
  }
}

// Box and Muller's transform of two uniform numbers.
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

// A count with this mean: Knuth's product of uniform numbers, or its normal limit for many.
function poisson(mean, random) {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

// Each function maps the clean pixels of an image, shape [channels, height, width], to noisy ones before clipping.
// Kinds that replace pixels replace all channels of a pixel.
const NOISES = {
  gaussian: (clean, level, random) => clean.map((value) => value + level * normal(random)),
  uniform: (clean, level, random) => clean.map((value) => value + level * (2 * random() - 1)),
  speckle: (clean, level, random) => clean.map((value) => value + value * level * normal(random)),
  poisson(clean, level, random) {
    const photon = level * level
    return photon === 0 ? clean.slice() : clean.map((value) => poisson(value / photon, random) * photon)
  },
  masking: (clean, level, random, shape) => replacePixels(clean, shape, () => random() < level ? 0 : null),
  'salt-and-pepper': (clean, level, random, shape) => replacePixels(clean, shape, () => {
    const draw = random()
    return draw < level / 2 ? 1 : draw < level ? 0 : null
  }),
  // Hides one rectangle with the fraction `level` of the area; its border may cover part of a pixel.
  occlusion(clean, level, random, [, height, width]) {
    if (level === 0) return clean.slice()
    const aspect = random(), hidden = [level ** aspect * height, level ** (1 - aspect) * width]
    const top = random() * (height - hidden[0]), left = random() * (width - hidden[1])
    const covered = (start, length, cell) => Math.min(Math.max(Math.min(cell + 1, start + length) - Math.max(cell, start), 0), 1)
    return clean.map((value, i) => {
      const row = Math.floor(i / width) % height, column = i % width
      return value * (1 - covered(top, hidden[0], row) * covered(left, hidden[1], column))
    })
  },
}

function replacePixels(clean, [, height, width], draw) {
  const area = height * width, noisy = clean.slice()
  for (let pixel = 0; pixel < area; pixel++) {
    const value = draw()
    if (value !== null) for (let i = pixel; i < noisy.length; i += area) noisy[i] = value
  }
  return noisy
}

// Returns a noisy copy, clipped to [0, 1].
function addNoise(clean, kind, level, shape, random) {
  return NOISES[kind](clean, level, random, shape).map((value) => Math.min(Math.max(value, 0), 1))
}

// Peak signal-to-noise ratio in dB; Infinity for identical images.
function psnr(clean, image) {
  let sum = 0
  for (let i = 0; i < clean.length; i++) sum += (clean[i] - image[i]) ** 2
  return -10 * Math.log10(sum / clean.length)
}
