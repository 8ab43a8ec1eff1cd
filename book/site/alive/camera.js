// A camera: the first press of the button shows what it sees, the second takes the picture and lets the camera go.
export class Camera {
  constructor(button, video, took, failed) {
    Object.assign(this, { button, video, took, failed, stream: null, words: button.textContent });
    button.addEventListener("click", () => (this.stream ? this.take() : this.begin()));
  }

  async begin() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch {
      return this.failed("The browser gives no camera here; use a file instead.");
    }
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    await this.video.play();
    this.button.textContent = "Take it";
  }

  async take() {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: this.video.videoWidth, height: this.video.videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    this.rest();
    this.took(await new Promise((done) => canvas.toBlob(done, "image/png")));
  }

  rest() {
    for (const track of this.stream ? this.stream.getTracks() : []) track.stop();
    this.stream = null;
    this.video.hidden = true;
    this.button.textContent = this.words;
  }
}
