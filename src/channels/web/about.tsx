import { html } from 'hono/html'
import { type Assets, Document } from './page.tsx'

/** How the bot finds its answers, what it keeps and how to have it deleted. Its claims are this code's behaviour. */
export function aboutPage(assets: Assets) {
  return html`<!doctype html>${<AboutPage assets={assets} />}`
}

function AboutPage({ assets }: { assets: Assets }) {
  return (
    <Document title="关于青答" assets={assets}>
      <header class="top">
        <div class="column">
          <img class="logo" src={assets.icon} alt="" width="40" height="40" />
          <div class="name">
            <h1>关于青答</h1>
            <p>它怎么找答案，保存了什么</p>
          </div>
          <a class="about" href="/">
            去提问
          </a>
        </div>
      </header>
      <main class="column prose">
        <section>
          <h2>青答是什么</h2>
          <p>
            青答是共青团组织自己部署的青年政策问答机器人。它只说公开文件里写了的话，每个答案都带出处：哪个单位、哪份文件、哪一条、哪天核对过。
          </p>
        </section>
        <section>
          <h2>它怎么找答案</h2>
          <ol>
            <li>先看是不是急事。像是有人有危险的话，马上给出热线电话，不再查别的。</li>
            <li>把你的话整理成统一的写法：繁体转简体，去掉表情和多余的标点，拼音和错别字尽量认出来。</li>
            <li>按固定的规则，拿你的话和工作人员写好的问法、文件里的词逐条比对，给每个候选答案打分。</li>
            <li>第一名明显领先就回答；几个差不多就反问你；都不像就老实说没有，可以转给工作人员。</li>
            <li>文件过了有效期会提醒你；文件没写的，会说“文件没有写”。</li>
          </ol>
          <p>
            全程没有 AI
            大模型，不会编答案，也不把你的话发给别的公司。所有人用同一套规则，不做用户画像，不按个人特征推荐。答案仅供参考，以发文单位的答复为准。
          </p>
        </section>
        <section>
          <h2>它保存什么</h2>
          <dl>
            <dt>你打的字</dt>
            <dd>
              平时不保存，也不写进日志。只有三种例外：这个网页没有开启脚本时，最近 20 条对话在服务器内存里留
              15
              分钟，好让页面显示出来；没答上来的那个问题，手机号、证件号隐去后最多存两个小时，等你决定要不要转人工；你要求转给工作人员的问题，会一直保存到你删除。
            </dd>
            <dt>聊到哪了</dt>
            <dd>你选的城市、刚才聊的是哪条政策，用来听懂“那要什么材料”这样的追问。90 天没有再来，就删掉。</dd>
            <dt>机器人的回复</dt>
            <dd>
              和会话编号一起保存两天，用来认出网络不好时重复发来的同一条消息。里面没有姓名和手机号，“删除我的数据”会一起删掉。
            </dd>
            <dt>订阅</dt>
            <dd>你同意之后才保存：会话编号、城市、主题和同意的时间。</dd>
            <dt>活动提醒</dt>
            <dd>
              你说了“提醒我”才保存：会话编号、哪个活动、什么时候提醒。发“取消提醒”就删掉；提醒过的，活动开始一天后删掉。
            </dd>
            <dt>浏览器里的编号</dt>
            <dd>
              发第一条消息时，网页会在你的浏览器里放一个随机编号（Cookie），30
              天不用就失效。它不含姓名、手机号，不用来跟踪你。
            </dd>
          </dl>
          <p>网页上的对话只在当前页面里，关掉或刷新就没有了。</p>
        </section>
        <section>
          <h2>怎么查看和删除</h2>
          <p>在对话里发“我的数据”查看，发“删除我的数据”全部删掉。也可以直接点下面的按钮，会再问你一次。</p>
          <form method="post" action="/" class="actions">
            <button type="submit" name="ask" value="我的数据">
              查看我的数据
            </button>
            <button type="submit" name="ask" value="删除我的数据">
              删除我的数据
            </button>
          </form>
        </section>
        <section>
          <h2>遇到急事</h2>
          <p>不要等机器人。点号码就能拨打：</p>
          <ul class="calls">
            <li>
              <a href="tel:110">
                <strong>110</strong>
                <span>报警</span>
              </a>
            </li>
            <li>
              <a href="tel:120">
                <strong>120</strong>
                <span>医疗急救</span>
              </a>
            </li>
            <li>
              <a href="tel:12355">
                <strong>12355</strong>
                <span>青少年服务热线</span>
              </a>
            </li>
          </ul>
        </section>
      </main>
      <footer class="column small">
        <p>
          <a href="/">回到对话</a>
        </p>
      </footer>
    </Document>
  )
}
