import { MAX_MESSAGE } from '../src/text/normalize.ts'

const STORY =
  '我去年六月从师范毕业，本来想考编，没考上，就跟表姐在步行街合伙开了个奶茶店，前三个月还行，后来旁边又开了两家，房租也涨了，表姐怀孕回老家了，剩我一个人撑着。我爸说别干了回来考公务员，我妈说先结婚，可是我连对象都没有。上个月盘了一下账，还差房东两个月租金，设备是贷款买的，每个月要还三千多。昨天听隔壁打印店老板说政府对年轻人创业有什么补贴，还能贷款不要担保费，我也不知道是不是真的，去窗口问排了一上午队，人家让我上网查。'

/** Messages of kinds that nobody should write, and somebody will. */
export const ODD_MESSAGES: Readonly<Record<string, string>> = {
  'a megabyte of one question': '担保费减免能减多少'.repeat(116_000),
  'a megabyte of one character': '啊'.repeat(350_000),
  'a megabyte of letters': 'xian'.repeat(262_144),
  'a megabyte of digits': '1234567890'.repeat(104_858),
  'a megabyte of spaces': ' '.repeat(1_048_576),
  '10,000 emoji': '😀🏠👨‍👩‍👧🇨🇳👍🏽'.repeat(2000),
  'lone surrogates': '\uD83D担保\uDE00费\uD800'.repeat(400),
  NUL: '担\u0000保\u0000费\u0000'.repeat(400),
  'right to left': `\u202E${'担保费减免 مرحبا שלום \u200F'.repeat(120)}`,
  zalgo: Array.from('青年公寓怎么申请')
    .map((character) => character + '\u0336\u0351\u0489\u0337\u0360\u0335'.repeat(30))
    .join(''),
  'a story of 2,000 characters': STORY.repeat(10).slice(0, 2000),
  'a story with a wish at its end': `${STORY.repeat(10).slice(0, 1980)}所以担保费能减多少`,
  'a story in traditional characters':
    '我去年畢業後開了一間奶茶店，房租漲了，聽說創業貸款可以減免擔保費，'.repeat(60),
  'a story in pinyin': 'wo qu nian bi ye xiang kai dian mei you qian zen me dai kuan '.repeat(33),
  'pinyin without a space': 'chuangyedaikuandanbaofeijianmian'.repeat(62),
  'a story in English': 'i graduated last year and want to open a milk tea shop but i have no money '.repeat(
    26,
  ),
  'every sign on the keyboard': '~!@#$%^&*()_+`-={}|[]\\:";\'<>?,./，。、；：？！…—·「」'.repeat(40),
  'what has meaning in a pattern': '(((|||…)*+?[a-z]{2,}$^\\b'.repeat(80),
  'brackets that never close': '發('.repeat(1000),
  'nothing but particles': '吗呢吧啊'.repeat(500),
  'politeness without end': '你好请问一下谢谢'.repeat(250),
  'names of all regions': '莲都昆明呼和浩特'.repeat(250),
  'places nobody has a document of': '北京上海深圳杭州'.repeat(250),
  'every facet': '多少钱怎么办要什么材料谁能申请在哪什么时候'.repeat(95),
  'urgent words over and over': '不想活了'.repeat(500),
  'what almost sounds urgent': '不想上班想死你了笑死我了'.repeat(166),
  'characters that unfold': '\uFDFA'.repeat(MAX_MESSAGE),
  'rare characters': '𠮷𡈽𪚥龘靐'.repeat(250),
  'many scripts': 'Приветこんにちは안녕สวัสดีनमस्ते'.repeat(70),
  'two thousand different characters': Array.from({ length: 2000 }, (_, i) =>
    String.fromCodePoint(0x4e00 + i * 7),
  ).join(''),
  'a table pasted': '序号\t姓名\t电话\n1\t张三\t13800000000\n'.repeat(80),
  JSON: '{"text":"担保费","visitor":{"id":1},"region":null},'.repeat(40),
  HTML: '<script>alert("担保费")</script><p onclick=x>租房</p>'.repeat(40),
}
