import type { UrgentKind } from '../model/content.ts'

/**
 * The strongest wordings of `intents/urgent.yaml`, compiled in, for the time when the content cannot be read.
 * Few on purpose: whoever mends the content gets the whole list back.
 */
export const FALLBACK_URGENT: readonly UrgentKind[] = [
  {
    id: 'self-harm',
    exactly: [],
    contains: [
      '(不想|不愿意|不愿|没法|没力气|没勇气)(再|)活',
      '活(不下去|着没意思|着没意义|够了|腻了|着好累|着太累)',
      '(想|要|准备|打算|去)(自杀|自尽|轻生|寻死|跳楼|跳河|跳桥|上吊|割腕|烧炭)',
      '(我|真的|好|就|只|也)想(去|)死',
      '结束(自己的|我的|这条|)(生命|一切)',
      '(割|划)(了|)(手腕|手臂|胳膊)',
      '(吃|吞)了(好多|很多|一瓶|一整瓶|几十片|#片|#颗)…药',
      '(站在|坐在|爬上)…(楼顶|天台|桥上|窗台)',
      '遗书',
    ],
    unless: ['笑死', '累死', '气死', '想死你', '自杀式'],
    pinyin: ['bu xiang huo', 'xiang zi sha', 'huo zhe mei yi si', 'huo bu xia qu', 'xiang tiao lou'].map(
      (one) => one.replaceAll(' ', ''),
    ),
    reply:
      '我听到了，你现在一定很难受。你不用一个人扛着，请现在就打下面的电话，或者告诉身边一个你信得过的人。',
    hotlines: ['12356', '12355', '110', '120'],
  },
  {
    id: 'danger',
    exactly: ['救命', '救救我'],
    contains: [
      '(爸|妈|继父|老公|丈夫|男朋友|前男友|对象|他)…(打我|打得我|掐我|要打死我|强奸|侵犯)',
      '(被|遭)(强奸|性侵|猥亵|家暴|绑架|囚禁|拐卖|霸凌)',
      '(证件|护照|身份证|手机)…(被|都)(扣|收|拿)…(不让|跑不|走不)',
      '(不让我|不准我)(走|出门|离开)',
      '裸(照|聊)…(威胁|勒索|发到|发给|逼)',
      '(正在|现在)…(打我|砸门|追我|跟踪我)',
    ],
    unless: ['游戏', '讲座', '剧情'],
    pinyin: [],
    reply: '你的安全最要紧。能离开就先离开，去有人的地方，马上打 110。',
    hotlines: ['110', '12355', '120'],
  },
  {
    id: 'fraud',
    exactly: [],
    contains: [
      '(刚|刚刚|已经)…(被骗|转了|转过去|汇了)',
      '被骗(了|走|光)',
      '(共享屏幕|屏幕共享)…(密码|验证码|转|没钱)',
      '(催收|高利贷|套路贷|校园贷)…(威胁|裸照|果照|上门|爆通讯录)',
    ],
    unless: ['讲座', '宣传', '志愿者'],
    pinyin: [],
    reply: '先别再转钱，也别再和对方说话。马上打 110 报警，并打银行电话申请止付，越快越有可能追回。',
    hotlines: ['110', '96110'],
  },
]
