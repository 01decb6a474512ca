fn main() {
    napi_build::setup();
    // Node closes an addon with the worker that loaded it; threads of ours may still be in it then.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
