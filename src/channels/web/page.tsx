import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { Choice, Reply } from '../../model/conversation.ts'
import type { Exchange } from './transcripts.ts'

// The page's own words stand here and not in knowledge/: they name its buttons and say what this code does and
// keeps, so they change with the code. What the bot says comes from knowledge/ all the same.

/** Where the page's script, style sheet and icon are found. */
export interface Assets {
  readonly script: string
  readonly style: string
  readonly icon: string
}

export interface ChatPageProps {
  readonly assets: Assets
  readonly greeting: string
  readonly suggestions: readonly string[]
  readonly regions: readonly { readonly id: string; readonly name: string }[]
  readonly exchanges: readonly Exchange[]
  /** Said when a message could not be answered. */
  readonly sorry: string
  /** Tells two posts of the same form apart from one form posted twice. */
  readonly id: string
  /** The city shown as chosen. */
  readonly region: string
  /** What became of a message that was not answered, and its text, back in the box. */
  readonly trouble?: { readonly kind: Trouble; readonly text: string } | undefined
}

/** Everything that can keep a message from being answered. */
export type Trouble = 'offline' | 'slow' | 'busy' | 'long' | 'broken'

const TROUBLES: Readonly<Record<Exclude<Trouble, 'broken'>, string>> = {
  offline: '网络断开了，这条没有发出去。你的话还在，连上网后再试一次。',
  slow: '等了很久也没有回音。你的话还在，可以再试一次。',
  busy: '消息发得太快了，请等几秒再试一次。',
  long: '这条太长了，请分成几条来发。',
}

export function chatPage(props: ChatPageProps) {
  return html`<!doctype html>${<ChatPage {...props} />}`
}

function ChatPage(props: ChatPageProps) {
  const { assets, greeting, suggestions, regions, exchanges, sorry, id, region, trouble } = props
  return (
    <Document title="青答 · 青年政策问答" assets={assets} script>
      <a class="skip" href="#text">
        跳到输入框
      </a>
      <header class="top">
        <div class="column">
          <img class="logo" src={assets.icon} alt="" width="40" height="40" />
          <div class="name">
            <h1>青答</h1>
            <p>青年政策问答</p>
          </div>
          <label class="region">
            <span class="hidden">所在城市</span>
            <select name="region" form="composer" autocomplete="off">
              <option value="">选城市</option>
              {regions.map((one) => (
                <option value={one.id} selected={one.id === region}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          <a class="about" href="/about">
            关于
          </a>
        </div>
      </header>

      <main class="column">
        <section class="log" role="log" aria-live="polite" aria-label="对话">
          <div class="exchange">
            <article class="reply">
              <Speaker name="青答" />
              <p>{greeting}</p>
              <p class="quiet">先在右上角选城市，答案更准。</p>
            </article>
            <Suggestions texts={suggestions} />
          </div>
          {exchanges.map(({ said, reply }, i) => (
            <div class="exchange" id={i === exchanges.length - 1 && !trouble ? 'latest' : undefined}>
              <Said text={said} />
              {reply && <ReplyArticle reply={reply} />}
            </div>
          ))}
          {trouble && (
            <div class="exchange" id="latest">
              <div class="trouble">
                <p>{trouble.kind === 'broken' ? sorry : TROUBLES[trouble.kind]}</p>
              </div>
            </div>
          )}
        </section>
        {exchanges.length > 0 && (
          <form class="clear" method="post" action="/clear">
            <button type="submit" class="plain">
              清空这段对话
            </button>
          </form>
        )}
      </main>

      <div class="bottom">
        <form id="composer" class="column" method="post" action="/" autocomplete="off" aria-label="发消息">
          <input type="hidden" name="id" value={id} />
          <input type="hidden" name="shown" value={region} />
          <label class="hidden" for="text">
            你想问什么
          </label>
          <textarea id="text" name="text" rows={1} placeholder="想问什么？" enterkeyhint="send">
            {trouble?.text}
          </textarea>
          <button type="submit" class="send" aria-label="发送">
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
              <path d="M12 19V5M5.5 11.5 12 5l6.5 6.5" />
            </svg>
          </button>
        </form>
        <footer class="column small">
          <p>
            按规则查文件，不用 AI 模型。急事请打 <Call number="110" />、<Call number="120" />。
            <a href="/notices">近期活动</a> <a href="/about">存了什么</a>
          </p>
        </footer>
      </div>

      <Templates sorry={sorry} />
    </Document>
  )
}

export function Document({
  title,
  assets,
  script,
  children,
}: {
  title: string
  assets: Assets
  script?: boolean
  children: Child
}) {
  return (
    <html lang="zh-CN">
      <head>
        <meta charset="utf-8" />
        <meta
          name="viewport"
          content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
        />
        <meta name="description" content="青答：查青年政策的问答机器人，答案出自公开文件，句句有出处。" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)" />
        <meta name="theme-color" content="#151e1c" media="(prefers-color-scheme: dark)" />
        <meta name="format-detection" content="telephone=no" />
        <title>{title}</title>
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        <link rel="stylesheet" href={assets.style} />
        {script && <script type="module" src={assets.script} />}
      </head>
      <body>{children}</body>
    </html>
  )
}

/** Every button of the conversation belongs to the one form, so that the chosen city travels with it. */
function Suggestions({ texts }: { texts: readonly string[] }) {
  if (texts.length === 0) return null
  return (
    <fieldset class="suggestions">
      <legend class="hidden">可以这样问</legend>
      {texts.map((text) => (
        <button type="submit" form="composer" name="ask" value={text}>
          {text}
        </button>
      ))}
    </fieldset>
  )
}

function Said({ text }: { text: string }) {
  return (
    <article class="said" lang={langOf(text)}>
      <Speaker name="你" />
      <p>{text}</p>
    </article>
  )
}

const Speaker = ({ name }: { name: string }) => <span class="hidden">{name}：</span>

/** @param region the city the page shows as chosen from here on; the script reads it */
export function ReplyArticle({ reply, region }: { reply: Reply; region?: string }) {
  const urgent = reply.decision === 'urgent'
  return (
    <article
      class={urgent ? 'reply urgent' : 'reply'}
      data-region={region}
      lang={langOf(reply.sections.map(({ text }) => text).join())}
    >
      <Speaker name="青答" />
      {reply.sections.map((section) => (
        <Section section={section} />
      ))}
      <Choices choices={reply.choices} menu={reply.menu} />
    </article>
  )
}

function Section({ section: { kind, text, notice } }: { section: Reply['sections'][number] }) {
  const calls = callsIn(text)
  if (calls) return <Calls calls={calls} />
  switch (kind) {
    case 'source':
      return <Source text={text} />
    case 'status':
      return (
        <p class="status">
          <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
            <circle cx="10" cy="10" r="7.5" />
            <path d="M10 5.8V10l2.8 1.9" />
          </svg>
          <span>{text}</span>
        </p>
      )
    case 'answer':
    case 'detail':
    case 'unsaid':
    case 'note':
      return (
        <>
          <p class={kind}>{withLinks(text)}</p>
          {notice !== undefined && <EventLinks notice={notice} />}
        </>
      )
  }
}

/** An announced event has a page of its own, and a file for the calendar. */
function EventLinks({ notice }: { notice: string }) {
  const path = `/notices/${encodeURIComponent(notice)}`
  return (
    <p class="links">
      <a href={path}>活动页面</a>
      <a href={`${path}.ics`} download>
        加到手机日历
      </a>
    </p>
  )
}

/** Folded: what a visitor wants first is the answer. That there is no source is not folded away. */
function Source({ text }: { text: string }) {
  const [, label, where] = /^(出[处處]|[来來]源)[：:]\s*(.+)$/su.exec(text) ?? []
  if (label === undefined || where === undefined) return <p class="source">{text}</p>
  const title = /《.+?》/u.exec(where)?.[0]
  return (
    <details class="source">
      <summary>
        <span class="label">{label}</span>
        {title && <span class="title">{title}</span>}
      </summary>
      <p>{where}</p>
    </details>
  )
}

function Choices({ choices, menu }: { choices: readonly Choice[]; menu: string | undefined }) {
  if (choices.length === 0) return null
  return (
    <fieldset class="choices">
      <legend class="hidden">可以接着选</legend>
      {choices.map(({ label }, i) => (
        <button type="submit" form="composer" name="choice" value={`${menu}.${i}`}>
          {label}
        </button>
      ))}
    </fieldset>
  )
}

interface Hotline {
  readonly number: string
  readonly name: string
  readonly hours: string | undefined
}

/** A section that is a list of hotlines, one a line: ☎ 12356 心理援助热线（时间）. */
function callsIn(text: string): Hotline[] | undefined {
  const calls = text.split('\n').map((line) => /^☎\s*(\d{3,})\s*([^（(]*)(?:[（(](.+)[）)])?$/u.exec(line))
  if (!calls.every((call) => call !== null)) return undefined
  return calls.map(([, number = '', name = '', hours]) => ({ number, name: name.trim(), hours }))
}

function Calls({ calls }: { calls: readonly Hotline[] }) {
  return (
    <ul class="calls">
      {calls.map(({ number, name, hours }) => (
        <li>
          <a href={`tel:${number}`}>
            <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
              <path d="M7 3.5 9.5 8 7.6 10a13 13 0 0 0 6.4 6.4l2-1.9 4.5 2.5c-.3 2.3-1.6 3.6-3.6 3.6C10.2 20.6 3.4 13.800 3.400 7.100 3.400 5.100 4.700 3.800 7 3.500z" />
            </svg>
            <strong>{number}</strong>
            <span>
              {name}
              {hours && <small>{hours}</small>}
            </span>
          </a>
        </li>
      ))}
    </ul>
  )
}

const Call = ({ number }: { number: string }) => (
  <a class="call" href={`tel:${number}`}>
    {number}
  </a>
)

/** Addresses of pages, and 「拨打 12345」 in the middle of a sentence, can be pressed. */
export function withLinks(text: string): Child[] {
  return text.split(/(https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]*[\w\-~/#@$&*+=%])/u).flatMap((part, i) =>
    i % 2 === 1 && URL.canParse(part)
      ? [
          <a href={part} rel="noopener noreferrer">
            {part}
          </a>,
        ]
      : withCalls(part),
  )
}

function withCalls(text: string): Child[] {
  return text
    .split(/(?<=[打撥拨]\s?)(\d{3,5})(?!\d)/u)
    .map((part, i) => (i % 2 === 1 ? <Call number={part} /> : part))
}

/** What the script puts into the page; the words and the markup stay on this side. */
function Templates({ sorry }: { sorry: string }) {
  return (
    <>
      <template id="exchange">
        <div class="exchange" tabindex={-1}>
          <Said text="" />
          <div class="typing" aria-hidden="true">
            <i />
            <i />
            <i />
          </div>
        </div>
      </template>
      <template id="trouble">
        <div class="trouble">
          {Object.entries({ ...TROUBLES, broken: sorry }).map(([kind, words]) => (
            <p data-trouble={kind}>{words}</p>
          ))}
          <button type="button" data-do="retry">
            重试
          </button>
          <button type="button" data-do="edit">
            改一改
          </button>
        </div>
      </template>
    </>
  )
}

/**
 * The bot answers in the visitor's script and does not say which that was. Any of these frequent characters,
 * which simplified text does not have, gives it away.
 */
function langOf(text: string): 'zh-Hant' | undefined {
  return /[們這個說時會對過還沒發問請後點為與於區業員資訊開麼嗎關從應該讓給選電話訂閱創貸]/u.test(text)
    ? 'zh-Hant'
    : undefined
}
