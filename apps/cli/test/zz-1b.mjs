import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { chromium } from "playwright";
const model="/tmp/h3/own-1b-model";
const p=spawn(process.execPath,["/work/lab-own/apps/cli/bin/resolvent.js","lab",model,"--no-open","--threads","2","--port","0"],{stdio:["ignore","pipe","pipe"]});
let said="";p.stdout.on("data",d=>said+=d);p.stderr.on("data",d=>{said+=d});
while(!/http:\S+/.test(said)) await new Promise(r=>setTimeout(r,200));
console.log(said);
const link=/http:[^\s#]+/.exec(said)[0];
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox"]});
const page=await b.newPage({viewport:{width:1280,height:900}});
page.on("pageerror",e=>console.log("pageerror",e.message));
const t0=Date.now();
const rss=()=>{const s=readFileSync(`/proc/${p.pid}/status`,"utf8");return [/VmRSS:\s+(\d+)/.exec(s)[1]/1048576,/VmHWM:\s+(\d+)/.exec(s)[1]/1048576].map(x=>x.toFixed(2)).join(" peak ")};
await page.goto(`${link}#v=1&m=${encodeURIComponent(model)}&i=11-222-3333-44444-5555-666&y=7-8`);
let last="";
for(let i=0;i<560;i++){
  await page.waitForTimeout(1000);
  const s=((await page.locator(".status").textContent())??"").replace(/\s+/g," ").trim();
  const al=await page.getByRole("alert").allTextContents();
  const now=s+" "+al.join("|");
  if(now!==last){console.log(((Date.now()-t0)/1000).toFixed(0)+"s",now,"rss",rss());last=now;}
  if(await page.getByRole("button",{name:"Run it"}).count()) {await page.getByRole("button",{name:"Run it"}).click();console.log("run it clicked")}
  if(s===""&&i>8) break;
}
console.log("done",((Date.now()-t0)/1000).toFixed(1),"rss",rss());
console.log((await page.locator(".sentence").innerText()).slice(0,600));
console.log((await page.locator("header").innerText()).slice(0,300));
await page.screenshot({path:"/tmp/h3/lab-own-1b.png"});
await b.close(); p.kill("SIGINT"); await new Promise(r=>p.on("exit",r)); console.log("ended");
