import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { Notice } from '../../model/notice.ts'
import { spanInWords } from '../../model/when.ts'
import { type Assets, Document, withLinks } from './page.tsx'

interface NoticePageProps {
  readonly assets: Assets
  readonly notice: Notice
  /** The region's name. */
  readonly region: string
  readonly now: Date
}

/** One announced event, whole; also when it is over, for links to it stay in people's chats. */
export function noticePage(props: NoticePageProps) {
  return html`<!doctype html>${<NoticePage {...props} />}`
}

function NoticePage({ assets, notice, region, now }: NoticePageProps) {
  const { id, title, link, body, topics } = notice
  const over = Date.parse(notice.ends) <= now.getTime()
  return (
    <Frame title={`${title} · 青答`} assets={assets}>
      <article class="event">
        {over && (
          <p class="status">
            <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
              <circle cx="10" cy="10" r="7.5" />
              <path d="M10 5.8V10l2.8 1.9" />
            </svg>
            <span>这个活动已经结束。</span>
          </p>
        )}
        <h1>{title}</h1>
        <p class="quiet">
          {region} · {topics.join('、')}
        </p>
        <Facts notice={notice} />
        {body
          .split(/\n\s*\n/)
          .filter((paragraph) => paragraph.trim() !== '')
          .map((paragraph) => (
            <p class="body">{withLinks(paragraph)}</p>
          ))}
        {!over && (
          <p class="actions">
            {link !== undefined && (
              <a class="button" href={link} rel="noopener noreferrer">
                报名或详情
              </a>
            )}
            <a class="button" href={`${pathOf(id)}.ics`} download>
              加到手机日历
            </a>
          </p>
        )}
      </article>
    </Frame>
  )
}

/** Everything announced that is not over, soonest first. */
export function noticesPage(props: {
  readonly assets: Assets
  readonly notices: readonly Notice[]
  readonly regionName: (id: string) => string
}) {
  return html`<!doctype html>${<NoticesPage {...props} />}`
}

function NoticesPage({
  assets,
  notices,
  regionName,
}: {
  readonly assets: Assets
  readonly notices: readonly Notice[]
  readonly regionName: (id: string) => string
}) {
  return (
    <Frame title="近期活动 · 青答" assets={assets}>
      <h1>近期活动</h1>
      {notices.length === 0 && <p>目前没有登记近期活动。想在有活动时收到通知，可以在对话里发“订阅”。</p>}
      {notices.map((notice) => (
        <article class="event">
          <h2>
            <a href={pathOf(notice.id)}>{notice.title}</a>
          </h2>
          <p class="quiet">
            {regionName(notice.region)} · {notice.topics.join('、')}
          </p>
          <Facts notice={notice} />
        </article>
      ))}
    </Frame>
  )
}

/** Nobody is left at a dead end: an event may have been called off, or its address mistyped. */
export function noNoticePage(props: { readonly assets: Assets }) {
  return html`<!doctype html>${<NoNoticePage {...props} />}`
}

function NoNoticePage({ assets }: { readonly assets: Assets }) {
  return (
    <Frame title="没有这个活动 · 青答" assets={assets}>
      <h1>没有这个活动</h1>
      <p>它可能已经撤下，或者网址少了几个字。</p>
      <p>
        看看<a href="/notices">近期活动</a>，或者<a href="/">去对话里问</a>。
      </p>
    </Frame>
  )
}

function Facts({ notice: { starts, ends, place, quota } }: { notice: Notice }) {
  return (
    <dl class="facts">
      <dt>时间</dt>
      <dd>
        <time datetime={starts}>{spanInWords(Date.parse(starts), Date.parse(ends))}</time>
      </dd>
      <dt>地点</dt>
      <dd>{place}</dd>
      {quota !== undefined && (
        <>
          <dt>名额</dt>
          <dd>{quota} 人</dd>
        </>
      )}
    </dl>
  )
}

function Frame({ title, assets, children }: { title: string; assets: Assets; children: Child }) {
  return (
    <Document title={title} assets={assets}>
      <header class="top">
        <div class="column">
          <img class="logo" src={assets.icon} alt="" width="40" height="40" />
          <div class="name">
            <strong>青答</strong>
            <p>青年活动</p>
          </div>
          <a class="about" href="/">
            去提问
          </a>
        </div>
      </header>
      <main class="column prose">{children}</main>
      <footer class="column small">
        <p>
          <a href="/notices">近期活动</a>　<a href="/">回到对话</a>
        </p>
      </footer>
    </Document>
  )
}

/** A file may have a Chinese name. */
const pathOf = (id: string): string => `/notices/${encodeURIComponent(id)}`
