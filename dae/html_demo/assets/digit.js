// A drawing as an image for the models, brought to the size and place of the digits of MNIST as
// dae.data.uploads.normalize_digit does.

const DIGIT_SIDE = 28
const INK_SIDE = 20
// Fainter ink, such as the edge of a line, does not count for the bounding box.
const FAINT = 0.2

// Returns the pixels of a drawing, ink [0, 1] of side x side, in an image of height x width.
function prepareDrawing(ink, side, [, height, width]) {
  if (height !== DIGIT_SIDE || width !== DIGIT_SIDE) return averageArea(ink, side, 0, 0, side, side, height, width)
  const image = new Float32Array(height * width)
  const box = inkBox(ink, side)
  if (!box) return image
  const [top, left, boxHeight, boxWidth] = box
  const scale = INK_SIDE / Math.max(boxHeight, boxWidth)
  const rows = Math.max(1, Math.round(boxHeight * scale)), columns = Math.max(1, Math.round(boxWidth * scale))
  const digit = averageArea(ink, side, top, left, boxHeight, boxWidth, rows, columns)
  const [y, x] = [INK_SIDE - rows, INK_SIDE - columns].map((rest) => Math.floor(rest / 2))
  const down = y + shift(digit, rows, columns, 0, y), across = x + shift(digit, rows, columns, 1, x)
  for (let row = 0; row < rows; row++) {
    image.set(digit.subarray(row * columns, (row + 1) * columns), (row + down) * width + across)
  }
  return image
}

// Returns [top, left, height, width] of the smallest rectangle with all ink, or null without ink.
function inkBox(ink, side) {
  let top = side, left = side, bottom = -1, right = -1
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if (ink[y * side + x] > FAINT) {
        top = Math.min(top, y)
        bottom = y
        left = Math.min(left, x)
        right = Math.max(right, x)
      }
    }
  }
  return bottom < 0 ? null : [top, left, bottom - top + 1, right - left + 1]
}

// Returns how far to move the ink box so that the center of mass is in the middle and the box stays in the image.
function shift(digit, rows, columns, axis, start) {
  let mass = 0, moment = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = digit[row * columns + column]
      mass += value
      moment += value * (start + (axis ? column : row))
    }
  }
  return Math.min(Math.max(DIGIT_SIDE / 2 - Math.round(moment / mass), 0), DIGIT_SIDE - INK_SIDE)
}

// Resizes a rectangle of a square image: each new pixel is the mean of the area that it covers.
function averageArea(pixels, side, top, left, height, width, rows, columns) {
  const averaged = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const [y0, y1] = [row, row + 1].map((edge) => top + edge * height / rows)
    for (let column = 0; column < columns; column++) {
      const [x0, x1] = [column, column + 1].map((edge) => left + edge * width / columns)
      let sum = 0
      for (let y = Math.floor(y0); y < y1; y++) {
        const tall = Math.min(y + 1, y1) - Math.max(y, y0)
        for (let x = Math.floor(x0); x < x1; x++) {
          sum += tall * (Math.min(x + 1, x1) - Math.max(x, x0)) * pixels[y * side + x]
        }
      }
      averaged[row * columns + column] = sum / ((y1 - y0) * (x1 - x0))
    }
  }
  return averaged
}
