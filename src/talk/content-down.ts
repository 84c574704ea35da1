import type { Hotline } from '../model/content.ts'
import type { Draft } from './compose.ts'

// The only sentences a visitor reads that do not live in knowledge/: they are for the time when it cannot be read.

export const CONTENT_DOWN: Draft = {
  decision: 'hand-over',
  sections: [
    {
      kind: 'note',
      text: '资料正在维护，暂时不能回答政策问题，请稍后再来。急事请拨打 12345 政务服务便民热线。',
    },
  ],
}

/** General knowledge, the same as `hotlines` in knowledge/regions.yaml; a test holds the two together. */
export const FALLBACK_HOTLINES: readonly Hotline[] = [
  { number: '12355', name: '青少年服务热线', hours: '各地服务时间不同', for: [] },
  {
    number: '12356',
    name: '心理援助热线',
    hours: '全国统一号码，承诺每天至少18小时，不是各地都24小时',
    for: [],
  },
  { number: '96110', name: '反诈预警劝阻专线', hours: '各地服务时间不同', for: [] },
  { number: '110', name: '报警', hours: '24小时', for: [] },
  { number: '120', name: '医疗急救', hours: '24小时', for: [] },
]
