// Walks every page in Chromium, in both languages, on a desk and on a telephone, and holds each against axe-core, against
// what a page must be able to do without script, and against a width of 320 px, which is a desk at 400 % (WCAG 1.4.10).
//
//   node walk.mjs SANDBOX [PICTURES]     SANDBOX: the folder with sandbox.json; PICTURES: where screenshots go

import dns from "node:dns";
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const [, , folder, pictures] = process.argv;
const sandbox = JSON.parse(readFileSync(join(folder, "sandbox.json"), "utf8"));
const configuration = readFileSync(join(folder, sandbox.gateway_config), "utf8");
const front = /\[front\][^[]*?origin = "([^"]+)"/s.exec(configuration)[1];
const desk = /\[auditors\][^[]*?origin = "([^"]+)"/s.exec(configuration)[1];
const operations = /\[admin\][^[]*?origin = "([^"]+)"/s.exec(configuration)[1];
const pgo = new URL(sandbox.clients.pgo.redirect_uri).origin;
const portal = new URL(sandbox.clients.portal.redirect_uri).origin;
const [practice] = sandbox.providers;
const his = sandbox.his.find((one) => one.id === practice.his);
const adults = sandbox.patients.filter((one) => one.birth_date && one.birth_date < "2005");
const known = adults.find((one) => one.provider === practice.name);
const foreign = adults.find((one) => one.provider !== practice.name);

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SIZES = [
  { name: "desk", width: 1280, height: 900 },
  { name: "phone", width: 390, height: 844 },
];
const LANGUAGES = [
  { tag: "nl", locale: "nl-NL" },
  { tag: "en", locale: "en-GB" },
];

// With a client certificate it is Playwright that connects, and not Chromium, which knows that names under localhost are loopback
// (RFC 6761 section 6.3).
const { lookup } = dns.promises;
dns.promises.lookup = async (name, options) =>
  name.endsWith(".localhost") ? [{ address: "127.0.0.1", family: 4 }] : lookup(name, options);

let passed = 0;
const wrong = [];

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

/** Everything that holds for every page. */
async function look(page, size, name, language, forms = 1) {
  // First, as pictures and axe put marks of their own into the page.
  const added = await page.evaluate(() => {
    const found = [...document.querySelectorAll('script, [onclick], [style]:not([style=""])')];
    return found.map((one) => one.outerHTML.slice(0, 120)).join(" ");
  });
  expect(added === "", `${name}: a script or an inline style: ${added}`);
  if (pictures) {
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}-${size.name}-${language}.png`), fullPage: true });
  }
  const found = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const said = found.violations.map((one) => `${one.id} at ${one.nodes.map((node) => node.target).join(", ")}`);
  expect(said.length === 0, `${name}: axe: ${said.join("; ")}`);
  const facts = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    headings: document.querySelectorAll("h1").length,
    forms: document.querySelectorAll("form").length,
    small: [...document.querySelectorAll("main button, main a.button, main summary, header a.language")]
      .filter((one) => one.getBoundingClientRect().height < 44)
      .map((one) => one.textContent.trim()),
  }));
  const ours = [front, desk, operations].some((origin) => page.url().startsWith(origin));
  expect(facts.lang === (ours ? language : "nl"), `${name}: lang is ${facts.lang}`);
  expect(facts.title.length > 5 && facts.headings === 1, `${name}: title ${facts.title}, ${facts.headings} h1`);
  expect(!ours || facts.forms <= forms, `${name}: ${facts.forms} forms`);
  expect(!ours || facts.small.length === 0, `${name}: lower than 44 px: ${facts.small.join(", ")}`);
  for (const width of [size.width, 320]) {
    await page.setViewportSize({ width, height: size.height });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(over <= 0, `${name}: ${over} px too wide at ${width} px`);
  }
  await page.setViewportSize(size);
  passed += 1;
}

async function press(page, name, value) {
  await Promise.all([page.waitForNavigation(), page.click(`button[name="${name}"][value="${value}"]`)]);
}

/** From the app to the gateway, with everything ticked that the practice offers. */
async function leaveApp(page, see) {
  await page.goto(pgo);
  await see("app-start");
  await page.check(`input[value="${practice.name}"]`);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  await see("app-services");
  await Promise.all([page.waitForNavigation(), page.click('form[action="/collect"] button')]);
}

/** From the app to the page after login. */
async function logIn(page, bsn, see) {
  await leaveApp(page, see);
  expect(page.url().startsWith(front), `the app leads to the gateway, not to ${page.url()}`);
  await see("landing");
  await press(page, "action", "continue");
  await see("login");
  await page.fill("#bsn", bsn);
  await press(page, "action", "login");
}

/** Says yes for long, sees the record, and meets what the back button shows. */
async function agree(page, see) {
  await logIn(page, known.bsn, see);
  await see("consent");
  expect(!(await page.isChecked("#indefinite")), "the box is offered and not ticked");
  await page.click("summary");
  await see("consent-explained");
  const consent = page.url();
  await page.reload();
  await page.check("#indefinite");
  await press(page, "answer", "allow");
  // Chromium follows the redirect only when form-action allows it.
  expect(page.url() === `${pgo}/record`, `consent leads to the record, not to ${page.url()}`);
  for (const part of ["persoon", "afspraken", "documenten", "metingen", "vaccinaties"]) {
    expect((await page.locator(`section#${part} .problem, section#${part} .empty`).count()) === 0, `${part} has something`);
    expect((await page.locator(`section#${part}`).count()) === 1, `${part} is there`);
  }
  await see("app-record");
  const [pdf] = await Promise.all([page.waitForEvent("download"), page.locator("a.download").first().click()]);
  const bytes = readFileSync(await pdf.path());
  expect(bytes.subarray(0, 5).toString() === "%PDF-", "a document is a PDF");
  await page.goto(consent);
  expect(await page.locator("form").count() === 0, "a page that was used shows no form");
  await see("stale");
}

/** Shares a measurement, confirms that at the gateway, and sees what became of it. */
async function share(page, see) {
  await page.goto(`${pgo}/share?practice=${encodeURIComponent(practice.name)}`);
  await see("app-share");
  await page.fill("#name", "Iemand");
  await page.fill("#weight", "77,7");
  await page.fill("#high", "131");
  await page.fill("#low", "78");
  await Promise.all([page.waitForNavigation(), page.click('form[action="/share"] button')]);
  await press(page, "action", "continue");
  await page.fill("#bsn", known.bsn);
  await press(page, "action", "login");
  await see("confirm");
  expect((await page.locator("#indefinite").count()) === 0, "sharing is confirmed for one time");
  await press(page, "answer", "allow");
  expect(page.url() === `${pgo}/shared`, `confirming leads to what became of it, not to ${page.url()}`);
  expect((await page.locator(".tag.current").count()) === 3, "each entry arrived");
  await see("app-shared");
}

async function mistype(page, see) {
  await leaveApp(page, async () => {});
  await press(page, "action", "continue");
  await page.fill("#bsn", "123456789");
  await press(page, "action", "login");
  await see("login-again");
  const focus = await page.evaluate(() => document.activeElement.className);
  expect(focus === "summary", `the summary of what is wrong has the focus, not ${focus}`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  expect((await page.evaluate(() => document.activeElement.id)) === "bsn", "its link leads to the field");
  await press(page, "action", "cancel");
  expect(page.url().startsWith(pgo), `cancelling leads back to the app, not to ${page.url()}`);
  await see("app-denied");
}

async function noData(page, see) {
  await logIn(page, foreign.bsn, async () => {});
  await see("unavailable");
  await press(page, "action", "continue");
  expect(page.url().startsWith(pgo), `no data leads back to the app, not to ${page.url()}`);
}

async function noHis(page, see) {
  const faults = (body) => fetch(his.control, { method: "POST", body: JSON.stringify(body) });
  await faults({ fail: "status:500" });
  try {
    // Not asked for before, so that the gateway does not know them yet.
    const other = adults.filter((one) => one.provider === practice.name && one.bsn !== known.bsn)[0];
    await logIn(page, other.bsn, async () => {});
    await see("failure");
    await Promise.all([page.waitForNavigation(), page.click("main a.button")]);
    expect(page.url().startsWith(pgo), `a failure leads back to the app, not to ${page.url()}`);
  } finally {
    await faults({});
  }
}

/** What the person allowed above is listed, in the other language as well, and can be stopped. */
async function stop(page, see, language) {
  await page.goto(`${front}/toestemmingen`);
  await see("own");
  await press(page, "action", "continue");
  await page.fill("#bsn", known.bsn);
  await press(page, "action", "login");
  await see("own-list");
  const other = language === "nl" ? "en" : "nl";
  await Promise.all([page.waitForNavigation(), page.click("a.language")]);
  expect((await page.getAttribute("html", "lang")) === other, "the link leads to the other language");
  await Promise.all([page.waitForNavigation(), page.click("a.language")]);
  while ((await page.locator("button[name=stop]").count()) > 0) {
    await Promise.all([page.waitForNavigation(), page.locator("button[name=stop]").first().click()]);
  }
  await see("own-stopped");
  await press(page, "action", "leave");
  await see("own-end");
}

/** Who asked for the data of the person above: what the app did is there, and what was looked at before. */
async function log(page, see, language) {
  await page.goto(`${front}/inzagelog`);
  await see("log-start");
  await press(page, "action", "continue");
  await page.fill("#bsn", known.bsn);
  await press(page, "action", "login");
  // One form for the period, one to leave.
  await indexed(page);
  await see("log", 2);
  expect((await page.locator(".log > li").count()) > 3, "what happened is listed");
  await page.locator(".log details summary").first().click();
  await see("log-opened", 2);
  const print = await page.context().newPage();
  const [address] = await page.locator(".keep a").evaluateAll((links) => links.map((link) => link.href));
  await print.goto(address);
  expect((await print.locator("details:not([open])").count()) === 0, "what is printed is open");
  const shown = await print.locator("h1").evaluate((one) => getComputedStyle(one).marginTop);
  expect(shown === "0px", "the printed page has its style");
  if (pictures) await print.pdf({ path: join(pictures, `log-${language}.pdf`) });
  await print.close();
  for (const [link, start] of [[1, "\ufeff"], [2, "{"]]) {
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator(".keep a").nth(link).click()]);
    expect(readFileSync(await file.path(), "utf8").startsWith(start), `a file begins with ${start}`);
  }
  await page.fill("#from", "2026-02-02");
  await page.fill("#to", "2026-02-01");
  await page.evaluate(() => document.querySelector("form").noValidate = true);
  await Promise.all([page.waitForNavigation(), page.locator("form.period button").click()]);
  await see("log-wrong", 2);
  const focus = await page.evaluate(() => document.activeElement.className);
  expect(focus === "summary", `the summary of what is wrong has the focus, not ${focus}`);
  await Promise.all([page.waitForNavigation(), page.click(".elsewhere a")]);
  await see("log-consents");
  await Promise.all([page.waitForNavigation(), page.click(".elsewhere a")]);
  await press(page, "action", "leave");
  await see("log-left");
}

/** Looks again until the log of a moment ago is there; the page says until when it is complete. */
async function indexed(page) {
  for (let turn = 0; turn < 50 && (await page.locator(".log > li").count()) < 4; turn += 1) {
    await page.waitForTimeout(100);
    await page.reload();
  }
}

async function again(page, see) {
  await logIn(page, known.bsn, async () => {});
  await see("consent-lasting");
  await press(page, "answer", "stop");
  expect(page.url().startsWith(pgo), `stopping leads back to the app, not to ${page.url()}`);
}

/** Logged in at the practice: the portal says who it is. */
async function portalAccount(page, see) {
  await page.goto(portal);
  await see("portal-start");
  await page.click("summary");
  await see("portal-start-people");
  await page.selectOption("#person", { label: await option(page, known) });
  await Promise.all([page.waitForNavigation(), page.click('form[action="/account"] button')]);
  expect(page.url() === `${portal}/record`, `logging in leads to the record, not to ${page.url()}`);
  await see("portal-record");
  await Promise.all([page.waitForNavigation(), page.click('form[action="/logout"] button')]);
  await see("portal-left");
  await page.goto(`${portal}/record`);
  await see("portal-not-logged-in");
  await page.goto(portal);
  const child = sandbox.patients.find((one) => one.birth_date > "2015");
  await page.selectOption("#person", { label: await option(page, child) });
  await Promise.all([page.waitForNavigation(), page.click('form[action="/account"] button')]);
  await see("portal-nothing");
}

/** What the list calls somebody; their age stands behind the name. */
async function option(page, person) {
  const labels = await page.locator("#person option").allTextContents();
  return labels.find((label) => label.startsWith(`${person.family} (`));
}

/** Logged in at the gateway, there and back. */
async function portalLaunch(page, see) {
  const leave = async () => {
    await page.goto(portal);
    await page.check(`input[value="${practice.name}"]`);
    await Promise.all([page.waitForNavigation(), page.click('form[action="/launch"] button')]);
    expect(page.url().startsWith(front), `the portal leads to the gateway, not to ${page.url()}`);
  };
  await leave();
  await see("portal-landing");
  await press(page, "action", "continue");
  await page.fill("#bsn", known.bsn);
  await press(page, "action", "login");
  await see("portal-consent");
  await press(page, "answer", "allow");
  expect(page.url() === `${portal}/record`, `consent leads to the record, not to ${page.url()}`);
  await see("portal-record-launched");
  await page.goto(portal);
  await see("portal-start-logged-in");
  await leave();
  await press(page, "action", "cancel");
  expect(page.url().startsWith(`${portal}/cb`), `cancelling leads back to the portal, not to ${page.url()}`);
  await see("portal-denied");
}

/** Find my practice: asked nothing, found, not found, and a number that is no question. */
async function find(page, see) {
  await page.goto(`${front}/practices`);
  await see("find");
  const ask = async (question) => {
    await page.fill("#q", question);
    await Promise.all([page.waitForNavigation(), page.click("main button")]);
  };
  await ask("linde");
  expect((await page.locator("ul.results li").count()) > 0, "the first practice is found");
  await see("find-hits");
  await ask("xyzzy");
  expect((await page.locator("ul.results li").count()) === 0, "what is not there is not found");
  await see("find-nothing");
  await ask(known.bsn);
  expect(!page.url().includes(known.bsn), "a BSN does not stay in the address");
  await see("find-bsn");
}

async function turnedAway(page, see) {
  await page.goto(`${front}/oauth/authorize?response_type=code&client_id=nobody.example.nl`);
  await see("unknown-client");
  await page.goto(`${front}/nergens`);
  await see("no-page");
}

/** Somebody at a desk, with the certificate of this base name. */
async function reader(browser, size, locale, file, origin = desk) {
  const [certPath, keyPath] = ["pem", "key"].map((kind) => join(folder, `${file}.${kind}`));
  const clientCertificates = [{ origin, certPath, keyPath }];
  const context = await browser.newContext({ viewport: size, locale, ignoreHTTPSErrors: true, clientCertificates });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  return page;
}

/** The desk: a question without a reason, one for everybody, one for a person that somebody else must agree to, and nobody. */
async function auditors(readers, see) {
  const [asker, judge, stranger] = readers;
  const send = (page, button) => Promise.all([page.waitForNavigation(), page.click(button)]);
  await asker.goto(desk);
  await see(asker, "desk");
  // The browser itself holds back an empty field; whoever gets past it is told by the page.
  await asker.evaluate(() => document.querySelector('form[action^="/search"]').setAttribute("novalidate", ""));
  await send(asker, 'form[action^="/search"] button');
  expect((await asker.locator(".summary").count()) === 1, "a question without a reason is answered with what is missing");
  await see(asker, "desk-wrong");
  const why = async () => {
    await asker.selectOption("#ground", "audit");
    await asker.fill("#reason", "jaarlijkse controle van het logboek");
  };
  await why();
  await send(asker, 'form[action^="/search"] button');
  expect((await asker.locator("details.record").count()) > 0, "what happened is found");
  await asker.locator("details.record summary").first().click();
  await see(asker, "desk-found", 3);
  const [file] = await Promise.all([asker.waitForEvent("download"), asker.click('button[name="form"][value="csv"]')]);
  expect(readFileSync(await file.path(), "utf8").includes("log_read"), "the file has what was found");
  await why();
  await asker.fill("#patient", known.bsn);
  await send(asker, 'form[action^="/search"] button');
  await see(asker, "desk-waits");
  await asker.goto(`${desk}/requests`);
  const own = await asker.locator("ul.consents > li").count();
  await see(asker, "desk-requests-own", own);
  await judge.goto(`${desk}/requests`);
  await see(judge, "desk-requests", own);
  await send(judge, 'button[name="action"][value="approve"]');
  await see(judge, "desk-judged", own);
  await asker.reload();
  await send(asker, 'button[name="action"][value="run"]');
  expect(!(await asker.content()).includes(known.bsn), "no BSN stands in an answer");
  await see(asker, "desk-one-person", 3);
  await stranger.goto(desk);
  await see(stranger, "desk-nobody", 0);
}

/** The OPEN monitor over the region that is brought in: the whole, a coalition, a practice, its report, and what is not there. */
async function monitor(operator, see, tag) {
  const pages = { "": "", coalition: "/coalition:waterland", practice: "/practice:dijkzicht@medmij", supplier: "/supplier:his-a", report: "/report/coalition:waterland", final: "/final", absent: "/coalition:elders" };
  for (const [name, path] of Object.entries(pages)) {
    await operator.goto(`${operations}/monitor${path}?lang=${tag}`);
    expect((await operator.locator("main table").count()) > 0 || name === "absent", `${path} has tables`);
    await see(operator, `monitor${name && `-${name}`}`, 0);
  }
  await operator.goto(`${operations}/monitor/report/coalition:waterland?lang=${tag}`);
  await operator.emulateMedia({ media: "print" });
  await see(operator, "monitor-report-print", 0);
  await operator.emulateMedia({ media: "screen" });
}

/** The pages of operators, in English only: everything there is to see, a stop without a reason, one with, nobody, and logging in. */
async function operators(people, see) {
  const [operator, auditor, stranger, visitor] = people;
  const send = (page, button) => Promise.all([page.waitForNavigation(), page.click(button)]);
  for (const [path, forms] of [["/", 3], ["/practices", 1], ["/clients", 1], ["/his", 0], ["/lists", 0], ["/explain", 2], ["/stops", 1]]) {
    await operator.goto(`${operations}${path}`);
    await see(operator, `operations${path === "/" ? "" : path.replace("/", "-")}`, forms);
  }
  await operator.goto(`${operations}/explain`);
  for (const [field, value] of [["provider", practice.name], ["service", "49"], ["client", new URL(pgo).hostname], ["request", "EpisodeOfCare"]]) {
    await operator.fill(`#${field}`, value);
  }
  await send(operator, "form[action='/explain'] button");
  expect((await operator.locator("ol.results li").count()) > 10, "an explanation has its steps");
  await see(operator, "operations-explained", 2);
  for (const lang of ["nl", "en"]) {
    await operator.goto(`${operations}/matrix?lang=${lang}`);
    await see(operator, `operations-matrix-${lang}`, 1);
    await send(operator, ".wide th a");
    await see(operator, `operations-matrix-one-${lang}`, 0);
  }
  for (const [path, step, forms] of [
    ["/register/practice", "list", 1],
    ["/register/practice/huisarts.delinde@medmij", "entry", 1],
    ["/register-form/coalition?id=waterland", "form", 1],
  ]) {
    await operator.goto(`${operations}${path}`);
    await see(operator, `register-${step}`, forms);
  }
  await operator.goto(`${operations}/register-form/supplier`);
  await operator.fill("#id", "GEEN ID");
  await send(operator, "form button.main");
  expect((await operator.inputValue("#id")) === "GEEN ID", "what was typed is still there");
  await see(operator, "register-form-wrong");
  await operator.goto(`${operations}/practices`);
  await send(operator, '.results a[href^="/stops"]');
  expect((await operator.inputValue("#target")).startsWith("practice:"), "the link fills in what to stop");
  await operator.evaluate(() => document.querySelector('form:has(#target)').setAttribute("novalidate", ""));
  await send(operator, "form:has(#target) button");
  expect((await operator.locator(".summary").count()) === 1, "a stop without a reason is answered with what is missing");
  await see(operator, "operations-stop-wrong");
  await operator.fill("#reason", "oefening met de noodschakelaar");
  await send(operator, "form:has(#target) button");
  await see(operator, "operations-stopped", 2);
  await auditor.goto(`${operations}/stops`);
  expect((await auditor.locator("form").count()) === 0, "an auditor changes nothing");
  await see(auditor, "operations-stops-auditor", 0);
  await send(operator, ".consents form button");
  await see(operator, "operations-lifted");
  await stranger.goto(operations);
  await see(stranger, "operations-nobody", 0);
  await visitor.goto(operations);
  await see(visitor, "operations-log-in", 0);
  await send(visitor, 'a[href="/login"]');
  await send(visitor, "text=b.wacht");
  expect(new URL(visitor.url()).pathname === "/", "back from the provider somebody is at the node");
  expect((await visitor.content()).includes("b.wacht (operator)"), "they are who the provider says");
  await see(visitor, "operations-logged-in", 4);
  await send(visitor, "form.leave button");
  await see(visitor, "operations-logged-out", 0);
  await send(visitor, 'a[href="/login"]');
  await send(visitor, "text=g.gast");
  await see(visitor, "operations-no-role", 0);
}

/** Logs in at the pages of OPEN as somebody whom the provider vouches for. */
async function comeAs(page, name) {
  const send = (link) => Promise.all([page.waitForNavigation(), page.click(link)]);
  await page.goto(`${front}/open`);
  await send('main a[href^="/open/login"]');
  await send(`text=${name}`);
  expect(new URL(page.url()).pathname.startsWith("/open"), `${name} comes back to the pages of OPEN, not to ${page.url()}`);
}

/** A practice: how far it is, and the texts for its patients, of which the leaflet is printed on two sides. */
async function openPractice(page, see, language) {
  await page.goto(`${front}/open`);
  await see("open-log-in", 0);
  await comeAs(page, "p.linde");
  await see("open-practice");
  await page.goto(`${front}/open/practices/huisarts.haven@medmij`);
  await see("open-no-page");
  await page.goto(`${front}/open`);
  await Promise.all([page.waitForNavigation(), page.click('main a[href*="/texts"]')]);
  await see("open-texts");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("a[download]")]);
  expect(readFileSync(await file.path(), "utf8").startsWith("Uw medische gegevens"), "the plain text is a file");
  if (language === "nl") {
    await Promise.all([page.waitForNavigation(), page.click('main a[href$="/leaflet"]')]);
    await see("open-leaflet", 0);
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    const sheets = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
    expect(sheets === 2, `the leaflet has two sides, not ${sheets}`);
    if (pictures) writeFileSync(join(pictures, "open-leaflet.pdf"), pdf);
  }
  await page.goto(`${front}/open`);
  await Promise.all([page.waitForNavigation(), page.click("form.leave button")]);
  await see("open-logged-out", 0);
}

/** Everybody else, each at what is theirs; and who has no role. */
async function openOthers(page, see) {
  for (const [name, step, forms] of [["p.twee", "choice", 1], ["c.kring", "coalition", 1], ["o.open", "programme", 1], ["v.zeker", "declarations", 2]]) {
    await comeAs(page, name);
    await see(`open-${step}`, forms);
    await Promise.all([page.waitForNavigation(), page.click("form.leave button")]);
  }
  await page.goto(`${front}/open/login`);
  await Promise.all([page.waitForNavigation(), page.click("text=g.gast")]);
  await see("open-no-role", 0);
}

const journeys = { share, agree, again, agreeOnceMore: agree, stop, log, mistype, noData, noHis, portalAccount, portalLaunch, find, turnedAway, openPractice, openOthers };

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
// The register of OPEN, by its API.
const keeper = await reader(browser, SIZES[0], "nl-NL", "wacht", operations);
const region = readFileSync(new URL("region.toml", import.meta.url), "utf8");
const kept = await keeper.request.post(`${operations}/api/v1/register-files/toml`, { data: region, headers: { "content-type": "text/plain" } });
expect(kept.ok(), `the register takes a region: ${kept.status()}`);
await keeper.context().close();
for (const size of SIZES) {
  for (const { tag, locale } of LANGUAGES) {
    for (const [name, journey] of Object.entries(journeys)) {
      const context = await browser.newContext({ viewport: size, locale, ignoreHTTPSErrors: true });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      try {
        await journey(page, (step, forms) => look(page, size, step, tag, forms), tag);
      } catch (error) {
        wrong.push(`${name}, ${size.name}, ${tag}: ${error.message.split("\n")[0]}`);
      }
      await context.close();
    }
    const readers = await Promise.all(["auditor", "auditor2", "stranger"].map((file) => reader(browser, size, locale, file)));
    try {
      await auditors(readers, (page, step, forms) => look(page, size, step, tag, forms));
    } catch (error) {
      wrong.push(`auditors, ${size.name}, ${tag}: ${error.message.split("\n")[0]}`);
    }
    await Promise.all(readers.map((page) => page.context().close()));
    const keeper = await reader(browser, size, locale, "wacht", operations);
    try {
      await monitor(keeper, (page, step, forms) => look(page, size, step, tag, forms), tag);
    } catch (error) {
      wrong.push(`monitor, ${size.name}, ${tag}: ${error.message.split("\n")[0]}`);
    }
    await keeper.context().close();
    if (tag !== "en") continue;
    const people = await Promise.all(["wacht", "toezicht", "stranger"].map((file) => reader(browser, size, locale, file, operations)));
    const context = await browser.newContext({ viewport: size, locale, ignoreHTTPSErrors: true });
    people.push(await context.newPage());
    people.at(-1).setDefaultTimeout(20_000);
    try {
      await operators(people, (page, step, forms) => look(page, size, step, tag, forms));
    } catch (error) {
      wrong.push(`operators, ${size.name}: ${error.message.split("\n")[0]}`);
    }
    await Promise.all(people.map((page) => page.context().close()));
  }
}
await browser.close();
for (const one of wrong) console.log(`FAILED ${one}`);
console.log(`pages: ${passed} looked at, ${wrong.length} journeys failed`);
process.exit(wrong.length === 0 ? 0 : 1);
