// Images that the browser computes while a digit is drawn, in place of those of the server, until its next message.

// The words of `describe_gain` in Python.
function describeGain(gain, db, inventedBelow) {
  if (gain >= 1 && db < inventedBelow) return `${gain.toFixed(1)} dB closer, partly invented`
  if (Math.abs(gain) < 0.05) return "about the same"
  return `${Math.abs(gain).toFixed(1)} dB ${gain < 0 ? "worse" : "clearer"}`
}

class LiveFrames extends FrameLayout {
  // Asks for the rows at the current noise level; cancels the event of the board if they are computed here.
  answer = (event) => {
    const { spec, position } = this
    if (!spec?.live || !this.grid) return
    const detail = { ...event.detail, kind: spec.live.kind, level: Number(spec.steps[position.step]), show: this.paint.bind(this) }
    if (!document.dispatchEvent(new CustomEvent("dae-denoise", { cancelable: true, detail }))) event.preventDefault()
  }

  // Draws one gray image, pixels in [0, 1], with its PSNR and, for a model, its gain in dB.
  paint(row, pixels, db, gain) {
    if (!this.root.isConnected || !this.rows[row]?.lines.length) return
    const { spec: { picture: [width, height] }, grid } = this, { lines: [{ canvas, pen, spans }], words } = this.rows[row]
    const image = new ImageData(width, height)
    pixels.forEach((value, index) => image.data.fill(Math.round(value * 255), 4 * index, 4 * index + 3))
    for (let alpha = 3; alpha < image.data.length; alpha += 4) image.data[alpha] = 255
    const small = new OffscreenCanvas(width, height)
    small.getContext("2d").putImageData(image, 0, 0)
    pen.imageSmoothingEnabled = false
    pen.drawImage(small, 0, 0, grid.drawn, canvas.height)
    if (spans.length) write(spans[0].node, Number.isFinite(db) ? db.toFixed(1) + this.spec.live.unit : "same")
    if (Number.isFinite(gain)) write(words, describeGain(gain, db, this.spec.live.invented_below))
  }
}
