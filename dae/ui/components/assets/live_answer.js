// Denoises a drawing in the browser while the pen moves, by the scripts of the HTML demo: see inline_component.
// A board sends its ink to the frame slider, which asks for the rows at its noise level. Both events are cancelled if they
// are answered here; otherwise the server answers.

const SEED = 1   // the noise stays the same during a stroke

export default mounted((parent) => new LiveAnswer(parent))

class LiveAnswer {
  runs = []

  constructor(parent) {
    this.parent = parent
    this.answer = (event) => {
      if (!this.runs.length || !(event.detail.kind in NOISES)) return
      event.preventDefault()
      const isBusy = Boolean(this.request)
      this.request = event.detail   // an older one that has not begun is skipped
      if (!isBusy) this.work()
    }
    document.addEventListener("dae-denoise", this.answer)
  }

  receive(bytes) {
    const { id, models } = JSON.parse(new TextDecoder().decode(bytes))
    if (this.id === id) return
    this.id = id
    this.runs = models.map((model) => compileProgram(model, decodeConstants(model)))
    this.shape = models[0].shape.slice(1)
    // Tests wait for it: from now on the browser answers.
    this.mark ??= make("span", "", this.parent, { "data-testid": "live-answer" })
  }

  end() {
    document.removeEventListener("dae-denoise", this.answer)
  }

  // Between two models the browser draws the pen.
  async work() {
    const turn = () => new Promise((resolve) => setTimeout(resolve))
    try {
      await this.answerAll(turn)
    } finally {
      this.request = null   // also after an error, so that the next stroke is answered
    }
  }

  async answerAll(turn) {
    for (let done = null; this.request !== done;) {
      const { ink, side, kind, level, show } = done = this.request
      const clean = prepareDrawing(ink, side, this.shape)
      const noisy = addNoise(clean, kind, level, this.shape, makeRandom(SEED)), noisyDb = psnr(clean, noisy)
      show(0, noisy, noisyDb)
      for (const [index, run] of this.runs.entries()) {
        await turn()
        const denoised = run(noisy).map((value) => Math.min(Math.max(value, 0), 1)), db = psnr(clean, denoised)
        show(index + 1, denoised, db, db - noisyDb)
      }
      await turn()
    }
  }
}
