import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as zod from 'zod'

// By `require` its hundred files take half the time they take as modules, which pass one by one through a loader.
const { z } = createRequire(import.meta.url)('zod') as typeof zod

const flag = (name: string) => z.enum(['on', 'off'], `${name} is either on or off`)
const port = z.coerce.number().int().min(0).max(65535)
const quietHours = z.string().regex(/^(off|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$/)

/** Every setting, in the order of `.env.example`. */
const settings = z.object({
  PORT: port.default(3000).describe('a port number, for example 3000'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('an address to listen on: 127.0.0.1 for this machine only, 0.0.0.0 for all'),
  DATA_DIR: z.string().min(1).default('data').describe('a folder the bot may write to'),
  CONTENT_DIR: z
    .string()
    .default('.')
    .refine((dir) => ['knowledge', 'intents'].some((part) => existsSync(join(dir, part))), 'holds no content')
    .describe('an existing folder that holds knowledge/ and intents/'),
  DEFAULT_REGION: z
    .string()
    .min(1)
    .optional()
    .describe('the id or name of a region in knowledge/regions.yaml'),
  SEGMENTER: z.enum(['jieba', 'intl']).default('jieba').describe('jieba or intl'),
  TRUST_PROXY: flag('TRUST_PROXY')
    .default('off')
    .describe('on behind a reverse proxy that sets X-Forwarded-For, otherwise off'),
  TELEGRAM_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]{20,}$/)
    .optional()
    .describe('the token BotFather gave, digits, a colon and letters'),
  TELEGRAM_API_ROOT: z
    .url({ protocol: /^https?$/ })
    .default('https://api.telegram.org')
    .describe('a URL such as https://api.telegram.org'),
  TELEGRAM_WEBHOOK_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('the public https address of this server'),
  TELEGRAM_WEBHOOK_SECRET: z
    .string()
    .regex(/^[\w-]{16,256}$/)
    .optional()
    .describe('16 to 256 letters, digits, _ or -, for example from: openssl rand -hex 32'),
  TELEGRAM_PER_SECOND: z.coerce
    .number()
    .min(0.1)
    .max(1000)
    .default(30)
    .describe('how many notices a second go out on Telegram, 30 or less unless Telegram has granted more'),
  WECHATY_PUPPET: z
    .enum([
      'wechaty-puppet-service',
      'wechaty-puppet-padlocal',
      'wechaty-puppet-wechat4u',
      'wechaty-puppet-mock',
    ])
    .optional()
    .describe('wechaty-puppet-service, wechaty-puppet-padlocal or wechaty-puppet-wechat4u'),
  WECHAT_NOTICES_PER_DAY: z.coerce
    .number()
    .int()
    .min(0)
    .max(500)
    .default(0)
    .describe('how many notices a day the WeChat account may send, 0 for none and never more than 500'),
  WECHAT_NOTICES_PER_MINUTE: z.coerce
    .number()
    .min(0.1)
    .max(10)
    .default(2)
    .describe('how many notices a minute the WeChat account sends at most, from 0.1 to 10'),
  QUIET_HOURS: quietHours.default('22:00-08:00').describe('a span such as 22:00-08:00, or off'),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('the address at which visitors open the web pages, for example https://youth.example.org'),
  ONE_PERSON_OFFICE: flag('ONE_PERSON_OFFICE')
    .default('off')
    .describe('on where nobody else is there to approve a notice, otherwise off'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent'])
    .default('info')
    .describe('fatal, error, warn, info, debug or silent'),
})

export type Config = zod.output<typeof settings>

/** How the WeChat account sends notices; undefined where it sends none. */
export const wechatPace = ({
  WECHAT_NOTICES_PER_DAY: perDay,
  WECHAT_NOTICES_PER_MINUTE: perMinute,
  WECHATY_PUPPET: puppet,
}: Config): { perDay: number; perMinute: number } | undefined =>
  puppet !== undefined && perDay > 0 ? { perDay, perMinute } : undefined

export const SECRETS = [
  'TELEGRAM_TOKEN',
  'TELEGRAM_WEBHOOK_SECRET',
] as const satisfies readonly (keyof Config)[]
export const SETTINGS = Object.keys(settings.shape) as (keyof Config)[]

/** A setting that is wrong; the message names it and says what to write, never its value. */
export class ConfigError extends Error {}

/** Reads the settings from `.env` (if there is one) and the environment, which wins. */
export function loadConfig(env: NodeJS.ProcessEnv = readEnvironment()): Config {
  // An empty line in .env means "not set".
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const read = settings.safeParse(given)
  if (!read.success) {
    const names = [...new Set(read.error.issues.map((issue) => String(issue.path[0])))]
    throw new ConfigError(
      names
        .map(
          (name) =>
            `${name} is not right. Set it to ${settings.shape[name as keyof Config].description}, in .env or the environment.`,
        )
        .join('\n'),
    )
  }
  const config = read.data
  if (config.TELEGRAM_WEBHOOK_URL !== undefined && config.TELEGRAM_WEBHOOK_SECRET === undefined)
    throw new ConfigError(
      'TELEGRAM_WEBHOOK_SECRET is missing. Without it anybody could post messages to the webhook. Set it to the output of: openssl rand -hex 32',
    )
  return config
}

function readEnvironment(): NodeJS.ProcessEnv {
  if (existsSync('.env')) process.loadEnvFile('.env')
  return process.env
}
