// The page: keeps its state, makes a noisy image for each frame and shows what the models make of it.

const byId = (id) => document.getElementById(id)
const content = JSON.parse(byId('content').textContent)
const shape = content.shape
const pixelCount = elements(shape)
const bytes = decodeBase64(content.images)
const samples = content.classes.map((_, i) => Float32Array.from(
  bytes.subarray(i * pixelCount, (i + 1) * pixelCount), (value) => value / 255))
const random = makeRandom(crypto.getRandomValues(new Uint32Array(1))[0])
const FRAME_MS = 100

const kinds = Object.keys(content.noises).filter((kind) => kind in NOISES)
const state = {
  sample: 0,
  isDrawing: false,
  kind: kinds.includes(content.noise.kind) ? content.noise.kind : kinds[0],
  model: 0,
  clean: samples[0],
  noisy: samples[0],
  outputs: [],
}
state.level = state.kind === content.noise.kind ? content.noise.level : content.noises[state.kind].level

// Each model is compiled when it is first needed.
const runs = []
const denoise = (index) => {
  const model = content.models[index]
  runs[index] ??= compileProgram(model, decodeConstants(model))
  return state.outputs[index] ??= runs[index](state.noisy).slice()
}

// Fresh noise, at most once per frame of the screen.
let isRequested = false
function refresh() {
  if (isRequested) return
  isRequested = true
  requestAnimationFrame(() => {
    isRequested = false
    state.noisy = addNoise(state.clean, state.kind, state.level, shape, random)
    state.outputs = []
    show()
  })
}

// The selected model first; the others when the browser has time, so that dragging stays smooth.
let pending = 0
function show() {
  const noisyDb = psnr(state.clean, state.noisy), denoised = denoise(state.model)
  const denoisedDb = psnr(state.clean, denoised), gain = formatGain(noisyDb, denoisedDb)
  paint(byId('clean'), state.clean, shape)
  paint(byId('noisy'), state.noisy, shape)
  paint(byId('denoised'), denoised, shape)
  byId('noisy-db').textContent = formatDb(noisyDb)
  byId('denoised-db').textContent = formatDb(denoisedDb)
  byId('gain').textContent = gain
  byId('gain').classList.toggle('worse', denoisedDb < noisyDb)
  document.body.dataset.frames = Number(document.body.dataset.frames ?? 0) + 1
  clearTimeout(pending)
  showThumbnail(state.model)
  showOthers([...content.models.keys()].filter((index) => index !== state.model))
}

function showOthers([index, ...rest]) {
  if (index === undefined) return
  pending = setTimeout(() => {
    denoise(index)
    showThumbnail(index)
    showOthers(rest)
  })
}

function showThumbnail(index) {
  const { canvas, db } = thumbnails[index]
  paint(canvas, state.outputs[index], shape)
  db.textContent = formatDb(psnr(state.clean, state.outputs[index]))
}

// Tells screen readers the result once a control has been released, after the frame that computes it.
const announce = () => requestAnimationFrame(() => {
  byId('status').textContent = `${byId('noisy-db').textContent} with noise, ${byId('denoised-db').textContent} denoised by `
    + content.models[state.model].label
})

const thumbnails = content.models.map(({ label, color }, index) => {
  const canvas = make('canvas', {}), db = make('span', { className: 'value' })
  const radio = make('input', { type: 'radio', name: 'model', checked: index === 0, onchange: () => selectModel(index) })
  const card = make('label', {}, radio, canvas, make('span', { textContent: label }), db)
  card.style.setProperty('--color', color)
  byId('models').append(card)
  return { canvas, db }
})

function selectModel(index) {
  const { label, color, sentence, card } = content.models[index]
  state.model = index
  byId('denoised').setAttribute('aria-label', `The image denoised by ${label}`)
  byId('sentence').textContent = sentence
  byId('card').replaceChildren(...card.map(([name, value]) =>
    make('tr', {}, make('th', { textContent: name, scope: 'row' }), make('td', { textContent: value }))))
  document.body.style.setProperty('--color', color)
  show()
  announce()
}

function selectSample(index) {
  state.sample = (index + samples.length) % samples.length
  state.clean = samples[state.sample]
  byId('class').textContent = content.classes[state.sample]
  byId('position').textContent = `${state.sample + 1} of ${samples.length}`
  byId('clean').setAttribute('aria-label', `The original image: ${content.classes[state.sample]}`)
  refresh()
}

function selectNoise(kind, level) {
  const { help, low, high } = content.noises[kind]
  state.kind = byId('kind').value = kind
  Object.assign(byId('level'), { min: low, max: high, value: level })
  byId('noise-help').textContent = help
  selectLevel(level)
}

function selectLevel(level) {
  state.level = level
  byId('level-text').textContent = level.toFixed(2)
  refresh()
}

function setDrawing(isDrawing) {
  state.isDrawing = isDrawing
  document.body.classList.toggle('drawing', isDrawing)
  for (const id of ['clean', 'samples']) byId(id).hidden = isDrawing
  for (const id of ['board', 'drawing']) byId(id).hidden = !isDrawing
  if (isDrawing) {
    byId('class').textContent = 'your drawing'
    updateDrawing()
    // On a narrow screen the button is far below the images.
    if (matchMedia('(max-width: 46rem)').matches) document.querySelector('main').scrollIntoView()
  } else {
    byId('hint').hidden = true
    selectSample(state.sample)
  }
}

function updateDrawing() {
  byId('hint').hidden = !board.isEmpty
  state.clean = prepareDrawing(board.ink(), BOARD_SIDE, shape)
  refresh()
}

const board = new Board(byId('board'), updateDrawing)
byId('draw').hidden = shape[0] !== 1
// The button that was pressed is hidden, so the focus moves.
byId('draw').onclick = () => { setDrawing(true); byId('clear').focus() }
byId('back').onclick = () => { setDrawing(false); byId('draw').focus() }
byId('clear').onclick = () => { board.clear(); updateDrawing() }
byId('previous').onclick = () => { selectSample(state.sample - 1); announce() }
byId('next').onclick = () => { selectSample(state.sample + 1); announce() }
byId('again').onclick = () => { refresh(); announce() }
byId('level').oninput = (event) => selectLevel(Number(event.target.value))
byId('level').onchange = announce
byId('kind').append(...kinds.map((kind) => make('option', { value: kind, textContent: content.noises[kind].label })))
byId('kind').onchange = (event) => { selectNoise(event.target.value, content.noises[event.target.value].level); announce() }

let timer = 0
byId('play').onclick = () => {
  clearInterval(timer)
  timer = timer ? 0 : setInterval(refresh, FRAME_MS)
  byId('play').setAttribute('aria-pressed', String(Boolean(timer)))
  byId('play').textContent = timer ? 'Stop' : 'Animate'
}

document.body.classList.toggle('single', content.models.length === 1)
selectSample(0)
selectNoise(state.kind, state.level)
state.noisy = addNoise(state.clean, state.kind, state.level, shape, random)
selectModel(0)
