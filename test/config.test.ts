import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigError, loadConfig, SECRETS, SETTINGS } from '../src/config.ts'
import { createLog } from '../src/log.ts'

const TOKEN = '123456789:AAtestTESTtestTESTtestTESTtest-_9'
const SECRET = 'a-secret-of-the-webhook-0123456789'

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n')
  const settings = lines.flatMap((line, i) => {
    const [, name, value] = /^# ?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value, above: lines[i - 1] ?? '' }]
  })

  it('holds every setting of config.ts, no other, in the same order', () => {
    expect(settings.map(({ name }) => name)).toEqual(SETTINGS)
  })

  it('explains each in a sentence and comments each out', () => {
    for (const { name, above } of settings) expect(above, name).toMatch(/^# [A-Z].*\w.*[.)]?$/)
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })

  it('shows each default, and nothing for what has none', () => {
    const defaults = loadConfig({})
    const shown = Object.fromEntries(settings.map(({ name, value }) => [name, value]))
    expect(shown).toEqual(Object.fromEntries(SETTINGS.map((name) => [name, String(defaults[name] ?? '')])))
  })

  it('keeps secrets empty', () => {
    for (const name of SECRETS) expect(settings).toContainEqual(expect.objectContaining({ name, value: '' }))
  })

  it('uncommented as it is, changes nothing', () => {
    expect(loadConfig(Object.fromEntries(settings.map(({ name, value }) => [name, value])))).toEqual(
      loadConfig({}),
    )
  })
})

describe('settings', () => {
  it('are all optional: without any the bot starts', () => {
    expect(loadConfig({})).toMatchObject({
      PORT: 3000,
      HOST: '127.0.0.1',
      CONTENT_DIR: '.',
      SEGMENTER: 'jieba',
    })
  })

  it.each([
    ['a port', { PORT: '8080' }, { PORT: 8080 }],
    ['any free port', { PORT: '0' }, { PORT: 0 }],
    ['a Telegram token', { TELEGRAM_TOKEN: TOKEN }, { TELEGRAM_TOKEN: TOKEN }],
    [
      'a test server',
      { TELEGRAM_API_ROOT: 'http://127.0.0.1:8081' },
      { TELEGRAM_API_ROOT: 'http://127.0.0.1:8081' },
    ],
    [
      'a webhook with its secret',
      { TELEGRAM_WEBHOOK_URL: 'https://bot.example.org/hook', TELEGRAM_WEBHOOK_SECRET: SECRET },
      { TELEGRAM_WEBHOOK_URL: 'https://bot.example.org/hook', TELEGRAM_WEBHOOK_SECRET: SECRET },
    ],
    ['quiet hours across midnight', { QUIET_HOURS: '23:30-06:45' }, { QUIET_HOURS: '23:30-06:45' }],
    ['no quiet hours', { QUIET_HOURS: 'off' }, { QUIET_HOURS: 'off' }],
    ['an empty line as not set', { PORT: '', TELEGRAM_TOKEN: '  ' }, { PORT: 3000 }],
    ['what belongs to other programs', { EDITOR: 'vi' }, { PORT: 3000 }],
  ])('take %s', (_, env, config) => {
    expect(loadConfig(env)).toMatchObject(config)
  })

  it.each([
    ['a port that is a word', 'PORT', 'eighty-eighty'],
    ['a port out of range', 'PORT', '99999'],
    ['half a port', 'PORT', '80.5'],
    ['a content folder that is not there', 'CONTENT_DIR', '/nowhere/at/all'],
    ['a folder without any content', 'CONTENT_DIR', tmpdir()],
    ['a segmenter nobody knows', 'SEGMENTER', 'thulac'],
    ['a flag that is neither on nor off', 'TRUST_PROXY', 'maybe'],
    ['a token without its number', 'TELEGRAM_TOKEN', 'AAtestTESTtestTESTtestTESTtest'],
    ['a token cut short', 'TELEGRAM_TOKEN', '123456789:AAtest'],
    ['an API root that is no URL', 'TELEGRAM_API_ROOT', 'api telegram'],
    ['an API root that is no web address', 'TELEGRAM_API_ROOT', 'ftp://api.example.org'],
    ['a webhook that is no web address', 'TELEGRAM_WEBHOOK_URL', 'ftp://bot.example.org'],
    ['a secret too short to keep anybody out', 'TELEGRAM_WEBHOOK_SECRET', 'short'],
    ['a secret with characters Telegram refuses', 'TELEGRAM_WEBHOOK_SECRET', 'with spaces and umlauts äöü'],
    ['a puppet that is not on the list', 'WECHATY_PUPPET', 'wechaty-puppet-evil'],
    ['quiet hours that no clock shows', 'QUIET_HOURS', '25:00-08:00'],
    ['quiet hours without an end', 'QUIET_HOURS', '21:15'],
    ['a log level nobody knows', 'LOG_LEVEL', 'chatty'],
  ])('refuse %s, name the setting, say what to write and keep the value to themselves', (_, name, value) => {
    const message = refusal({ [name]: value })
    expect(message).toContain(`${name} is not right. Set it to `)
    expect(message).toContain('.env')
    expect(message).not.toContain(value)
    expect(message).not.toContain('undefined')
  })

  it('that are wrong are all named at once', () => {
    const message = refusal({ PORT: 'x', SEGMENTER: 'x', QUIET_HOURS: 'x' })
    expect(message.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'PORT',
      'SEGMENTER',
      'QUIET_HOURS',
    ])
  })

  it('refuse a webhook without a secret: anybody could post to it', () => {
    const message = refusal({ TELEGRAM_TOKEN: TOKEN, TELEGRAM_WEBHOOK_URL: 'https://bot.example.org/hook' })
    expect(message).toContain('TELEGRAM_WEBHOOK_SECRET is missing')
    expect(message).toContain('openssl rand -hex 32')
    expect(message).not.toContain(TOKEN)
  })

  it('never show a secret, whichever other setting is wrong', () => {
    for (const name of SETTINGS.filter((one) => !(SECRETS as readonly string[]).includes(one))) {
      const env = { TELEGRAM_TOKEN: TOKEN, TELEGRAM_WEBHOOK_SECRET: SECRET, [name]: '\u0000' }
      const message = messageOf(() => loadConfig(env)) ?? ''
      expect(message).not.toContain(TOKEN)
      expect(message).not.toContain(SECRET)
    }
  })

  const refusal = (env: NodeJS.ProcessEnv): string => {
    expect(() => loadConfig(env)).toThrow(ConfigError)
    return messageOf(() => loadConfig(env)) ?? ''
  }
  const messageOf = (act: () => unknown): string | undefined => {
    try {
      act()
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
})

describe('the log', () => {
  let written: string
  beforeEach(() => {
    written = ''
    vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
      written += String(part)
      return true
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('writes one JSON object a line to standard error', () => {
    const log = createLog('info')
    log.info({ channel: 'telegram', id: '7' }, 'replied')
    log.warn({}, 'slow')
    const lines = written.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { channel: 'telegram', id: '7', msg: 'replied' },
      { msg: 'slow' },
    ])
  })

  it('is readable at a glance where a person looks on', () => {
    const log = createLog('info', [SECRET], true)
    log.error({ file: 'intents/a.yaml', line: 3 }, 'intents/a.yaml:3  没有这条答案。\n    补上。')
    log.warn({ update: 7, code: `x${SECRET}` }, 'slow')
    expect(written).toMatch(
      /^\d\d:\d\d:\d\d ERROR intents\/a\.yaml:3 {2}没有这条答案。\n {4}补上。\n\d\d:\d\d:\d\d WARN {2}slow {2}update=7 code=x\[secret\]\n$/,
    )
  })

  it.each([
    ['in a field', { token: TOKEN }, 'started'],
    [
      'inside the URL of an error',
      { error: `fetch https://api.telegram.org/bot${TOKEN}/getMe failed` },
      'no answer',
    ],
    ['in the message', {}, `called with ${SECRET}`],
    [
      'deep inside a field',
      { request: { headers: { 'x-telegram-bot-api-secret-token': SECRET } } },
      'called',
    ],
    ['in an error that was thrown', { err: new Error(`connect bot${TOKEN}`) }, 'failed'],
  ])('hides a secret %s', (_, fields, message) => {
    createLog('info', [TOKEN, SECRET]).error(fields, message)
    expect(written).not.toContain(TOKEN)
    expect(written).not.toContain(SECRET)
    expect(written).toContain('[secret]')
    expect(() => JSON.parse(written)).not.toThrow()
  })

  it('hides a bot token it was never told about', () => {
    createLog('info').error({ error: `https://api.telegram.org/bot${TOKEN}/sendMessage` }, 'failed')
    expect(written).not.toContain(TOKEN)
  })

  it('is silent below its level', () => {
    const log = createLog('warn')
    log.info({}, 'not this')
    log.error({}, 'but this')
    expect(written).not.toContain('not this')
    expect(written).toContain('but this')
  })
})
