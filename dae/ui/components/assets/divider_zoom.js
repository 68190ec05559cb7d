// Zoom and pan of images in a frame. `scale` 1 shows the whole image; x and y move it, in CSS pixels.

class Zoom {
  constructor(frame, images, changed) {
    Object.assign(this, { frame, images, changed, scale: 1, x: 0, y: 0 })
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false })
    frame.addEventListener("dblclick", (event) => this.to(this.scale > 1 ? 1 : Math.max(2, 2 * this.native()), event))
    // The position is in CSS pixels of the frame.
    this.watch = new ResizeObserver(() => this.draw())
    this.watch.observe(frame)
  }

  end() { this.watch.disconnect() }

  // The scale at which one pixel of the image is one CSS pixel.
  native() { return this.images[0].naturalWidth / (this.frame.clientWidth || 1) }

  // Zooms around the position of the event, or the center.
  to(scale, event) {
    const box = this.frame.getBoundingClientRect(), limit = Math.max(8 * this.native(), 8)
    const px = event ? event.clientX - box.left : box.width / 2, py = event ? event.clientY - box.top : box.height / 2
    const next = Math.min(Math.max(scale, 1), limit), by = next / this.scale
    this.x = px - (px - this.x) * by
    this.y = py - (py - this.y) * by
    this.scale = next
    this.draw()
  }

  move(dx, dy) {
    this.x += dx
    this.y += dy
    this.draw()
  }

  // The wheel alone scrolls the page; with Ctrl, or two fingers on a touchpad, it zooms.
  wheel(event) {
    if (!event.ctrlKey) return
    event.preventDefault()
    this.to(this.scale * Math.exp(-event.deltaY / 200), event)
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.frame
    this.x = Math.min(0, Math.max(this.x, width * (1 - this.scale)))
    this.y = Math.min(0, Math.max(this.y, height * (1 - this.scale)))
    for (const image of this.images) image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`
    this.changed()
  }
}
