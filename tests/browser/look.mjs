// Looks at a page in a headless Chromium, in several widths and both colour
// schemes; prints what is wrong with it as JSON.
//
//     node look.mjs URL FOLDER WIDTH...      (pictures go into FOLDER)
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {chromium} from "playwright-core";

const PATIENCE = 120000; // milliseconds: the machine may be busy
const [url, folder, ...widths] = process.argv.slice(2);
const axe = readFileSync(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    timeout: PATIENCE,
});
const problems = [];

async function open() {
    // the page's own policy lets no script in, not even the one that looks
    const context = await browser.newContext({bypassCSP: true});
    const page = await context.newPage();

    page.setDefaultTimeout(PATIENCE);
    page.on("console", message => problems.push(message.text()));
    page.on("pageerror", error => problems.push(String(error)));
    page.on("requestfailed", request => problems.push(request.url()));
    const answer = await page.goto(url);
    const status = answer.status();
    const scripts = await page.locator("script").count();
    await page.evaluate(axe);
    return {page, status, scripts};
}

async function look(page, width, colorScheme) {
    await page.setViewportSize({width, height: 900});
    await page.emulateMedia({colorScheme});
    await page.screenshot({
        path: `${folder}/${width}-${colorScheme}.png`,
        fullPage: Boolean(process.env.WHOLE_PAGE)});
    const found = await page.evaluate(() => window.axe.run());
    return {
        width, scheme: colorScheme,
        violations: found.violations.map(
            rule => `${rule.id}: ${rule.nodes[0].html}`),
        passes: found.passes.length,
        ...await page.evaluate(() => ({
            sideways: document.documentElement.scrollWidth
                > window.innerWidth,
            headings: [...document.querySelectorAll("h2")].map(
                heading => heading.textContent),
            rows: document.querySelectorAll("tbody tr").length,
            text: document.body.innerText,
            back: getComputedStyle(document.body).backgroundColor,
        })),
    };
}

try {
    const {page, status, scripts} = await open();
    const looks = [];

    for (const width of widths) {
        for (const scheme of ["light", "dark"]) {
            looks.push(await look(page, Number(width), scheme));
        }
    }
    console.log(JSON.stringify({status, scripts, problems, looks}));
}
finally {
    await browser.close();
}
