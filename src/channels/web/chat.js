// @ts-check
// Without this script the page is a form that loads anew with each message. With it, messages go out and
// replies come in on the page as it stands. The server writes all markup and words; this file moves them.

const composer = /** @type {HTMLFormElement} */ (document.getElementById('composer'))
const box = /** @type {HTMLTextAreaElement} */ (document.getElementById('text'))
const send = /** @type {HTMLButtonElement} */ (composer.querySelector('.send'))
const log = /** @type {HTMLElement} */ (document.querySelector('[role=log]'))
const city = /** @type {HTMLSelectElement} */ (document.querySelector('select[name=region]'))
const shownCity = /** @type {HTMLInputElement} */ (composer.querySelector('input[name=shown]'))

/** How long a reply may take before the visitor is offered to try again. */
const PATIENCE_MS = 20_000

composer.addEventListener('submit', (event) => {
  event.preventDefault()
  const pressed =
    event.submitter instanceof HTMLButtonElement && event.submitter !== send ? event.submitter : undefined
  const said = pressed ? (pressed.textContent ?? '') : box.value
  if (said.trim() === '') return box.focus()
  // A second press of a button that still waits for its reply is impatience, not a second message.
  if (pressed?.getAttribute('aria-busy') === 'true') return
  if (!pressed) {
    box.value = ''
    fitBox()
  }
  say(said, pressed)
})

box.addEventListener('keydown', (event) => {
  // While an input method composes, Enter picks a word. Safari ends the composition first and then reports the
  // same key, with the code that stands for "handled by the input method".
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
  event.preventDefault()
  composer.requestSubmit(send)
})

box.addEventListener('input', fitBox)

// With a real keyboard one starts to type at once; on a phone this would open the keyboard over the greeting.
if (matchMedia('(hover: hover) and (pointer: fine)').matches) box.focus({ preventScroll: true })

/** Messages go out one after another, in the order they were written. */
let before = Promise.resolve()

/**
 * @param {string} said
 * @param {HTMLButtonElement | undefined} pressed
 */
function say(said, pressed) {
  const exchange = /** @type {HTMLElement} */ (fromTemplate('exchange'))
  const words = /** @type {HTMLElement} */ (exchange.querySelector('.said p'))
  words.textContent = said
  log.append(exchange)
  exchange.scrollIntoView({ block: 'start' })

  const typing = /** @type {HTMLElement} */ (exchange.querySelector('.typing'))
  const id = newId()
  const attempt = async () => {
    exchange.append(typing)
    pressed?.setAttribute('aria-busy', 'true')
    const outcome = await ask(said, pressed, id)
    pressed?.removeAttribute('aria-busy')
    typing.remove()
    if (outcome.kind === 'reply') show(outcome.article, exchange)
    else offerRetry(outcome.trouble, exchange, pressed ? undefined : said, queue)
  }
  const queue = () => {
    before = before.then(attempt)
  }
  queue()
}

/**
 * @typedef {{ kind: 'reply', article: Element | null } | { kind: 'trouble', trouble: string }} Outcome
 * @param {string} said
 * @param {HTMLButtonElement | undefined} pressed
 * @param {string} id the same at every attempt, so that a reply lost on the way is not asked for twice
 * @returns {Promise<Outcome>}
 */
async function ask(said, pressed, id) {
  const chosen = city.value
  const fields = new URLSearchParams({ id, region: chosen, shown: shownCity.value })
  fields.set(pressed?.name ?? 'text', pressed?.value ?? said)
  try {
    const response = await fetch('/exchange', { method: 'POST', body: fields, signal: timeLimit() })
    if (!response.ok) return { kind: 'trouble', trouble: troubleOf(response.status) }
    const article = new DOMParser()
      .parseFromString(await response.text(), 'text/html')
      .querySelector('article')
    follow(article?.dataset.region, chosen)
    return { kind: 'reply', article }
  } catch (error) {
    // Whatever fetch throws means that no reply came through.
    const late = error instanceof DOMException && error.name === 'TimeoutError'
    return { kind: 'trouble', trouble: late ? 'slow' : 'offline' }
  }
}

/** @param {number} status */
function troubleOf(status) {
  if (status === 429) return 'busy'
  return status === 413 ? 'long' : 'broken'
}

/**
 * The city shown is the one the bot answers for, unless the visitor has chosen another meanwhile.
 * @param {string | undefined} region
 * @param {string} sent
 */
function follow(region, sent) {
  if (region === undefined) return
  shownCity.value = region
  if (city.value === sent) city.value = region
}

/**
 * @param {Element | null} article
 * @param {HTMLElement} exchange
 */
function show(article, exchange) {
  if (article) exchange.append(article)
  exchange.scrollIntoView({ block: 'start' })
}

/**
 * @param {string} trouble
 * @param {HTMLElement} exchange
 * @param {string | undefined} written what was typed, when it was typed
 * @param {() => void} again
 */
function offerRetry(trouble, exchange, written, again) {
  const offer = /** @type {HTMLElement} */ (fromTemplate('trouble'))
  for (const words of offer.querySelectorAll('[data-trouble]'))
    if (words.getAttribute('data-trouble') !== trouble) words.remove()
  const retry = /** @type {HTMLButtonElement} */ (offer.querySelector('[data-do=retry]'))
  const edit = /** @type {HTMLButtonElement} */ (offer.querySelector('[data-do=edit]'))
  if (trouble === 'long') retry.remove()
  if (written === undefined) edit.remove()
  retry.addEventListener('click', () => {
    // The pressed button goes away; the focus must not fall back to the top of the page.
    exchange.focus({ preventScroll: true })
    offer.remove()
    again()
  })
  edit.addEventListener('click', () => {
    box.value = [written, box.value].filter(Boolean).join('\n')
    exchange.remove()
    fitBox()
    box.focus()
  })
  exchange.append(offer)
  exchange.scrollIntoView({ block: 'start' })
}

/** @param {string} name */
function fromTemplate(name) {
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template#${name}`))
  return /** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild
}

/** crypto.randomUUID is missing on plain http, where small committees run this. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('')
}

/** AbortSignal.timeout, which phones older than 2022 lack. */
function timeLimit() {
  const stop = new AbortController()
  setTimeout(() => stop.abort(new DOMException('no reply in time', 'TimeoutError')), PATIENCE_MS)
  return stop.signal
}

/** Browsers without `field-sizing` do not grow the box with its text. */
function fitBox() {
  if (CSS.supports('field-sizing', 'content')) return
  box.style.height = 'auto'
  box.style.height = `${box.scrollHeight}px`
}
