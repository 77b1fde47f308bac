export default function Layout({ children }) {
  return <html lang="en"><head><title>A page that pays</title></head><body>{children}</body></html>;
}
