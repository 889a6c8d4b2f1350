// A sign-in in a second window has ended: the first one hears of it and goes on.
new BroadcastChannel("session").postMessage("renewed");
window.close();
